// The next step of a removal: over every state there can be, and from every state to an end whatever is killed in between.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { nextStep } from '../../../agent/removal/next-step.ts'
import type { JobState, Standing, Step } from '../../../agent/removal/next-step.ts'

const flags = [false, true] as const
const maybe = [undefined, false, true] as const
const jobs: readonly JobState[] = ['none', 'active', 'finished', 'failed', 'cancelled']

/** Every combination of what decides. */
function everyStanding(): readonly Standing[] {
  const all: Standing[] = []
  for (const cancelled of flags)
    for (const hadShards of maybe)
      for (const should of maybe)
        for (const shards of [0, 3])
          for (const job of jobs)
            for (const otherJob of flags)
              for (const starts of [0, 10])
                for (const settled of maybe)
                  for (const late of flags)
                    all.push({ cancelled, hadShards, shards, job, otherJob, starts, settled, late, ...node(should) })
  return all
}

function node(shouldHaveShards: boolean | undefined): Pick<Standing, 'node'> {
  return { node: shouldHaveShards === undefined ? undefined : { shouldHaveShards } }
}

const before: Standing = {
  cancelled: false,
  hadShards: undefined,
  node: { shouldHaveShards: true },
  shards: 3,
  job: 'none',
  otherJob: false,
  starts: 0,
  settled: undefined,
  late: false,
}

suite('in every state', () => {
  const all = everyStanding().map((standing) => ({ standing, step: nextStep(standing) }))
  const where = (wanted: (step: Step) => boolean): readonly Standing[] =>
    all.flatMap(({ standing, step }) => (wanted(step) ? [standing] : []))
  const does =
    (...names: readonly Step['do'][]) =>
    (step: Step): boolean =>
      names.includes(step.do)

  test('the node is removed only once it was checked, has no shards, is settled, and nobody took it back', () => {
    const found = where(does('drop'))
    assert.ok(found.length > 0)
    for (const one of found) {
      assert.equal(one.shards, 0)
      assert.equal(one.settled, true)
      assert.equal(one.cancelled, false)
      assert.notEqual(one.hadShards, undefined)
      assert.notEqual(one.job, 'active')
      assert.notEqual(one.node, undefined)
    }
  })

  test('a move is started only from a node that was checked and is to have no shards, and only one', () => {
    for (const one of where(does('start'))) {
      assert.equal(one.node?.shouldHaveShards, false)
      assert.notEqual(one.hadShards, undefined)
      assert.ok(!one.otherJob && one.job !== 'active' && one.starts < 10 && one.shards > 0)
    }
  })

  test('a node that the coordinator has forgotten is never acted upon', () => {
    for (const { standing, step } of all)
      if (standing.node === undefined) assert.ok(does('settle', 'wait', 'end')(step), step.do)
  })

  test('taken back, nothing goes on that brings the removal further', () => {
    for (const { standing, step } of all)
      if (standing.cancelled && standing.node !== undefined) assert.ok(does('stop', 'shards-on', 'end')(step), step.do)
    for (const one of where(does('shards-on'))) assert.equal(one.hadShards, true)
  })

  test('it has succeeded only when the coordinator no longer has the node', () => {
    for (const one of where((step) => step.do === 'end' && step.outcome === 'succeeded'))
      assert.equal(one.node, undefined)
    for (const one of where((step) => step.do === 'end' && step.outcome === 'cancelled')) assert.ok(one.cancelled)
  })
})

/** The catalogs after a step, as Citus would leave them. */
const after: Readonly<Partial<Record<Step['do'], (standing: Standing, luck: boolean) => Standing>>> = {
  check: (now) => ({ ...now, hadShards: now.node?.shouldHaveShards ?? false, node: { shouldHaveShards: false } }),
  'shards-off': (now) => ({ ...now, node: { shouldHaveShards: false } }),
  'shards-on': (now) => ({ ...now, node: { shouldHaveShards: true } }),
  start: (now) => ({ ...now, job: 'active', starts: now.starts + 1 }),
  watch: (now, luck) =>
    luck ? { ...now, job: 'finished', shards: 0 } : { ...now, shards: Math.max(0, now.shards - 1) },
  stop: (now) => ({ ...now, job: 'cancelled' }),
  settle: (now, luck) => ({ ...now, settled: luck, late: !luck && now.settled === false }),
  drop: (now) => ({ ...now, node: undefined, settled: undefined }),
  wait: (now, luck) => ({ ...now, otherJob: false, settled: luck ? true : now.settled, late: !luck }),
}

test('it comes to an end whatever succeeds, fails or is forgotten on the way, and takes no step twice in vain', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 60, maxLength: 60 }), (lucks) => {
      let now = before
      for (const [luck, crash] of lucks) {
        const step = nextStep(now)
        if (step.do === 'end') return
        // A sidecar that is killed has done the step or not; what it knew besides the catalogs is gone.
        if (!crash || luck) now = after[step.do]?.(now, luck) ?? now
        if (crash) now = { ...now, settled: undefined }
      }
      // Luck may be short: without further crashes it ends within ten steps.
      for (let turn = 0; turn < 10; turn += 1) {
        const step = nextStep(now)
        if (step.do === 'end') return
        now = after[step.do]?.(now, true) ?? now
      }
      assert.fail(JSON.stringify(now))
    }),
    { numRuns: 2_000 },
  )
})

test('taken back at any point it ends without the node being removed, or after it was', () => {
  fc.assert(
    fc.property(fc.nat({ max: 12 }), (at) => {
      let now = before
      for (let turn = 0; turn < 30; turn += 1) {
        if (turn === at) now = { ...now, cancelled: true }
        const step = nextStep(now)
        if (step.do === 'end') {
          if (step.outcome === 'cancelled') assert.equal(now.node?.shouldHaveShards, now.hadShards ?? true)
          else assert.deepEqual([step.outcome, now.node], ['succeeded', undefined])
          return
        }
        now = after[step.do]?.(now, true) ?? now
      }
      assert.fail(JSON.stringify(now))
    }),
  )
})

const ends: readonly (readonly [what: string, change: Partial<Standing>, why: RegExp])[] = [
  ['a move that failed', { job: 'failed' }, /the move failed/],
  ['a move that somebody stopped', { job: 'cancelled' }, /somebody stopped the move/],
  ['shards that no move takes away', { job: 'finished', starts: 10 }, /shards are left after 10 moves/],
  ['prepared transactions without an end', { shards: 0, settled: false, late: true }, /do not come to an end/],
]

for (const [what, change, why] of ends)
  test(`it fails over ${what}`, () => {
    const step = nextStep({ ...before, hadShards: true, node: { shouldHaveShards: false }, ...change })
    assert.ok(step.do === 'end' && step.outcome === 'failed')
    assert.match(step.why, why)
  })
