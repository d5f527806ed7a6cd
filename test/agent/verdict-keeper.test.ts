// The verdicts of this moment: each change is told once, and the last fifty are kept.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { VerdictKeeper } from '../../agent/verdict-keeper.ts'
import type { NodeState } from '../../probes/verdicts/verdict.ts'
import { broken, healthy, now, replicating, withReadings } from '../support/node-state.ts'
import { healthyStandby } from '../support/node-state.ts'

const well = healthy()
const ill: NodeState = { ...well, maintenance: { on: true, changedAt: now, reason: 'disk swap' } }
const dead = withReadings(well, { 'postgres.alive': broken('postgres.alive', { code: 'XX000', message: 'gone' }) })

suite('the keeper of verdicts', () => {
  let state: NodeState
  let told: [string, unknown][]
  let flips: number
  let keeper: VerdictKeeper

  beforeEach(() => {
    state = well
    told = []
    flips = 0
    keeper = new VerdictKeeper({
      state: () => state,
      report: (name, details) => void told.push([name, details]),
      onFlip: () => (flips += 1),
    })
  })
  afterEach(() => keeper[Symbol.dispose]())

  function judge(next: NodeState): void {
    state = next
    keeper.judge()
  }

  test('is neither ready nor started before it has judged', () => {
    assert.equal(keeper.ready.ok, false)
    assert.equal(keeper.started.ok, false)
    assert.deepEqual(keeper.flips, [])
  })

  test('tells each change once, however often it judges', () => {
    for (let look = 0; look < 5; look += 1) judge(well)
    for (let look = 0; look < 5; look += 1) judge({ ...ill, now: now + 1_000 })
    const reason = 'maintenance: in maintenance since 2025-06-01T12:00:00.000Z: disk swap'
    assert.deepEqual(told, [
      ['verdict.changed', { verdict: 'ready', ok: true, reason: '' }],
      ['verdict.changed', { verdict: 'started', ok: true, reason: '' }],
      ['verdict.changed', { verdict: 'ready', ok: false, reason }],
    ])
    assert.deepEqual(keeper.flips.at(-1), { at: now + 1_000, verdict: 'ready', ok: false, reason })
    assert.equal(flips, 3)
  })

  test('another reason for the same verdict is no change, but is what is shown', () => {
    judge(well)
    judge(ill)
    const before = told.length
    judge({ ...dead, now: now + 1 })
    assert.equal(told.length, before)
    assert.match(keeper.reason, /^postgres: /)
  })

  test('has no reason while it is ready', () => {
    judge(well)
    assert.equal(keeper.reason, '')
  })

  test('keeps the last fifty changes, oldest first', () => {
    for (let second = 0; second < 100; second += 1) judge({ ...(second % 2 === 0 ? well : ill), now: now + second })
    assert.equal(keeper.flips.length, 50)
    assert.deepEqual(
      keeper.flips.map(({ at }) => at - now),
      Array.from({ length: 50 }, (_, index) => 50 + index),
    )
  })

  test('remembers from one judgement to the next that a standby lags', () => {
    const standby = healthyStandby()
    const behind = (lag: number): NodeState => withReadings(standby, replicating(lag * 1024 ** 2))
    judge(behind(10))
    judge(behind(65))
    judge(behind(40))
    assert.equal(keeper.ready.ok, false)
    judge(behind(30))
    assert.equal(keeper.ready.ok, true)
  })
})
