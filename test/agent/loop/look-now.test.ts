// A probe's answer of now, for who is asked by a person: waited for, but not for ever.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { lookNow } from '../../../agent/loop/look-now.ts'
import { ReadingStore } from '../../../agent/loop/readings.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function waiting(patience = 10_000) {
  const clock = new ManualClock()
  const readings = new ReadingStore()
  const looks: string[] = []
  const caller = new AbortController()
  let over = false
  const options = { clock, readings, look: (name: string): void => void looks.push(name) }
  const done = lookNow(options, 'postgres.writable', patience, caller.signal).then(() => (over = true))
  const ends = (begunAt: number): void =>
    readings.record('postgres.writable', { value: { latencyMs: 1 } }, { begunAt, takenAt: clock.now(), durationMs: 1 })
  return { clock, looks, caller, done, ends, over: () => over }
}

suite('a look now', () => {
  test('makes the probe run, and returns once a run has ended that began after it', async () => {
    const { clock, looks, ends, over, done } = waiting()
    const asked = clock.now()
    assert.deepEqual(looks, ['postgres.writable'])
    ends(asked - 1)
    await clock.advance(1_000)
    assert.equal(over(), false)
    ends(asked)
    await clock.advance(1_000)
    await done
  })

  test('returns when its time is up, or when nobody waits any more', async () => {
    const first = waiting(500)
    await first.clock.advance(480)
    assert.equal(first.over(), false)
    await first.clock.advance(20)
    await first.done
    const second = waiting()
    second.caller.abort()
    await second.done
  })
})
