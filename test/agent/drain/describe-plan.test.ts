// The plan that a person sees before anything stops: what each phase would take, by whom that is said, and what is too short.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { loadConfig } from '../../../agent/config.ts'
import { describePlan } from '../../../agent/drain/describe-plan.ts'
import type { PlanFacts } from '../../../agent/drain/describe-plan.ts'
import type { EndedDrain } from '../../../agent/drain/tally.ts'
import type { DrainPlan, PhasePlan } from '../../../agent/drain/view.ts'
import type { StopCost } from '../../../probes/postgres/stop-cost.ts'
import { broken, good, now } from '../../support/node-state.ts'
import { MB, resting } from '../../support/stop-costs.ts'

function config(env: Readonly<Record<string, string>> = {}) {
  const role = { CITUS_SIDECAR_ROLE: 'worker', CITUS_SIDECAR_ADDRESS: 'worker-0', CITUS_SIDECAR_COORDINATOR: 'c' }
  return loadConfig({ ...role, ...env }, 'worker-0')
}

/** The plan of a worker that rests and was never drained, but for what is changed. */
function plan(change: Partial<PlanFacts> = {}, cost: Partial<StopCost> = {}): DrainPlan {
  const reading = good('postgres.stop-cost', { ...resting, ...cost })
  return describePlan({
    config: config(),
    kind: 'worker',
    last: undefined,
    reading,
    askedAt: now - 1_000,
    podGraceMs: undefined,
    now,
    ...change,
  })
}

function phase(found: DrainPlan, name: string): PhasePlan {
  const one = found.phases.find((other) => other.name === name)
  assert.ok(one !== undefined, name)
  return one
}

/** A drain that ended, whose phases took so long. */
function drained(took: Readonly<Record<string, number>>, expected?: EndedDrain['expected']): EndedDrain {
  const phases = Object.entries(took).map(([name, tookMs]) => ({ name, state: 'done', reason: '', tookMs }))
  return { startedAt: 0, cancelled: false, phases: phases as EndedDrain['phases'][number][], expected }
}

suite('the plan', () => {
  test('of a node that rests has every phase with its budget, and warns of nothing', () => {
    const found = plan()
    assert.deepEqual(
      found.phases.map(({ name, budgetMs, etaMs, from }) => [name, budgetMs, etaMs, from]),
      [
        ['cause', 2_100, null, null],
        ['prepare', 42_000, 500, 'estimated'],
        ['hold', 15_750, null, null],
        ['unready', 6_300, 3_000, 'estimated'],
        ['drain', 21_000, 0, 'estimated'],
        ['settle', 5_250, 0, 'estimated'],
        ['flush', 9_450, 0, 'estimated'],
        ['keep', 3_150, null, null],
      ],
    )
    assert.deepEqual(
      [found.graceSeconds, found.graceFrom, found.reserveSeconds, found.etaMs, found.graceTooShort, found.warnings],
      [120, 'setting', 15, 3_500, false, []],
    )
  })

  test('leaves out what such a node does not do', () => {
    assert.deepEqual(
      plan({ kind: 'standby' }).phases.map(({ name }) => name),
      ['cause', 'prepare', 'unready', 'drain', 'flush'],
    )
    const archives = { waiting: 100, busyMs: 60_000, segmentMs: 60_000, failedMsAgo: undefined }
    const standby = plan({ kind: 'standby' }, { archiver: archives })
    assert.deepEqual([phase(standby, 'prepare').etaMs, standby.warnings], [0, []])
  })

  test('has what the last drain took where there is not more to do than it was expected to have', () => {
    const last = drained({ prepare: 4_000, hold: 120 }, { prepare: 20_000 })
    const found = plan({ last }, { walBytes: 640 * MB })
    assert.deepEqual(phase(found, 'prepare'), {
      name: 'prepare',
      budgetMs: 42_000,
      etaMs: 4_000,
      from: 'measured',
      because: 'as the last drain took',
    })
    assert.deepEqual([phase(found, 'hold').etaMs, phase(found, 'hold').from], [120, 'measured'])
    assert.deepEqual(found.warnings, [])
  })

  test('has it as many times as there is more to do', () => {
    const last = drained({ prepare: 4_000 }, { prepare: 5_250 })
    const found = phase(plan({ last }, { walBytes: 640 * MB }), 'prepare')
    assert.deepEqual([found.etaMs, found.from], [8_000, 'estimated'])
    assert.match(found.because, /^at most 640\.0 MB to write, WAL segments to archive: 1; the last drain took 4\.0 s$/)
  })

  test('has no more than the estimate, for a drain with nothing to do says nothing about one with much', () => {
    const last = drained({ prepare: 40 }, { prepare: 0 })
    assert.equal(phase(plan({ last }, { walBytes: 640 * MB }), 'prepare').etaMs, 10_500)
  })

  test('has the larger of both where nobody knows what was expected', () => {
    const last = drained({ prepare: 4_000 })
    assert.equal(phase(plan({ last }), 'prepare').from, 'measured')
    assert.equal(phase(plan({ last }, { walBytes: 640 * MB }), 'prepare').etaMs, 10_500)
  })

  test('takes nothing from a phase that was not done', () => {
    const last = drained({ prepare: 4_000 })
    const failed = { ...last, phases: last.phases.map((one) => ({ ...one, state: 'failed' as const })) }
    assert.equal(phase(plan({ last: failed }), 'prepare').from, 'estimated')
  })
})

suite('the plan says that the grace period is too short', () => {
  const cases: readonly [what: string, found: DrainPlan, warning: RegExp][] = [
    [
      'where hardly any time is left',
      plan({ config: config({ CITUS_SIDECAR_GRACE_PERIOD: '24s' }) }),
      /^only 9\.0 s are left for a drain: the grace period is 24\.0 s, CITUS_SIDECAR_STOP_RESERVE 15\.0 s$/,
    ],
    [
      'where a checkpoint does not fit twice',
      plan({}, { walBytes: 1_600 * MB }),
      /^prepare would take about 25\.5 s now and should have 50\.5 s, its budget is 42\.0 s: raise terminationGracePeriodSeconds/,
    ],
    [
      'where archiving does not fit once beside it',
      plan({}, { archiver: { waiting: 99, busyMs: 0, segmentMs: 500, failedMsAgo: undefined } }),
      /^prepare would take about 50\.0 s now and should have 50\.0 s/,
    ],
    [
      'where the last drain took more than half of it',
      plan({ last: drained({ flush: 5_000 }) }),
      /^flush took 5\.0 s last time and should have 10\.0 s, its budget is 9\.4 s/,
    ],
    [
      'where all phases do not fit together',
      plan({ last: drained({ cause: 60_000, prepare: 21_000, hold: 7_000, keep: 1_000, drain: 20_000 }) }),
      /^all phases together take about 112\.0 s, and 105\.0 s are there/,
    ],
    [
      'where the pod has less than is configured',
      plan({ podGraceMs: 20_000 }),
      /^only 5\.0 s are left for a drain: the grace period is 20\.0 s/,
    ],
  ]
  for (const [what, { graceTooShort, warnings }, warning] of cases)
    test(what, () => {
      assert.equal(graceTooShort, true)
      assert.ok(
        warnings.some((one) => warning.test(one)),
        warnings.join('\n'),
      )
    })

  test('but not because of clients or a wait that is configured, nor while a checkpoint fits twice', () => {
    const busy = { clients: 9, longest: { ms: 3_600_000, who: 'etl of app (pid 9)' }, prepared: 1, preparedMs: 60_000 }
    assert.equal(plan({}, busy).graceTooShort, false)
    assert.equal(plan({ config: config({ CITUS_SIDECAR_UNREADY_WAIT: '10s' }) }).graceTooShort, false)
    assert.equal(plan({}, { walBytes: 1_300 * MB }).graceTooShort, false)
  })
})

suite('the plan warns', () => {
  const cases: readonly [what: string, found: DrainPlan, warning: RegExp][] = [
    [
      'of a pod that has another grace period',
      plan({ podGraceMs: 300_000 }),
      /^the pod has 300\.0 s \(terminationGracePeriodSeconds\) and CITUS_SIDECAR_GRACE_PERIOD says 120\.0 s: the pod is believed/,
    ],
    [
      'of an archive_command that fails',
      plan({}, { archiver: { waiting: 3, busyMs: 9_000, segmentMs: 10, failedMsAgo: 2_000 } }),
      /^archive_command fails, last 2\.0 s ago, and 3 WAL segments wait: a drain would leave them unarchived/,
    ],
    [
      'of an archive_command that may hang',
      plan({}, { archiver: { waiting: 1, busyMs: 31_000, segmentMs: 10, failedMsAgo: undefined } }),
      /^archive_command has been at one WAL segment for 31\.0 s, and 1 wait: it may hang/,
    ],
    [
      'of a transaction that would be cut',
      plan({}, { clients: 1, longest: { ms: 3_600_000, who: 'etl of app (pid 9)' } }),
      /^the transaction of etl of app \(pid 9\) has been open for 3600\.0 s: a drain waits for it for about 21\.0 s, then cuts it$/,
    ],
    [
      'of two-phase commits that stay prepared',
      plan({}, { prepared: 2, preparedMs: 60_000 }),
      /^2 two-phase commits have been prepared for up to 60\.0 s/,
    ],
    ['of a server that has not been asked', plan({ reading: undefined }), /^PostgreSQL has not been asked yet/],
    [
      'of a server that could not be asked, ever',
      plan({ reading: broken('postgres.stop-cost', { message: 'no answer' }) }),
      /^PostgreSQL could not be asked \(no answer\) what a stop would cost now: nothing is estimated$/,
    ],
    [
      'of a server that could be asked before',
      plan({ reading: broken('postgres.stop-cost', {}, good('postgres.stop-cost', resting, 7_000)) }),
      /\(it failed\) what a stop would cost now: estimates are 7\.0 s old$/,
    ],
    [
      'of a server that has not answered since it was asked, however short before that it did',
      plan({ reading: good('postgres.stop-cost', resting, 1_000) }),
      /^PostgreSQL has not answered yet what a stop would cost now: estimates are 1\.0 s old$/,
    ],
  ]
  for (const [what, { graceTooShort, warnings }, warning] of cases)
    test(`${what}, which says nothing about the grace period`, () => {
      assert.equal(warnings.length, 1, warnings.join('\n'))
      assert.match(warnings[0] ?? '', warning)
      assert.equal(graceTooShort, false)
    })

  test('of no hanging where every segment takes so long, but of the time', () => {
    const found = plan({}, { archiver: { waiting: 1, busyMs: 31_000, segmentMs: 30_000, failedMsAgo: undefined } })
    assert.equal(found.graceTooShort, true)
    assert.match(found.warnings.join(), /^prepare would take about 62\.0 s now and should have 62\.0 s/)
  })

  test('and believes the pod', () => {
    const found = plan({ podGraceMs: 300_000 })
    assert.deepEqual([found.graceSeconds, found.graceFrom], [300, 'pod'])
    assert.equal(phase(found, 'prepare').budgetMs, 114_000)
    assert.deepEqual(plan({ podGraceMs: 120_000 }).warnings, [])
  })
})
