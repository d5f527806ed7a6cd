// The latency threshold: a median over a window with two thresholds, so that no single answer flips it.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { latencyCheck, median } from '../../../probes/verdicts/latency.ts'
import type { LatencyMemory } from '../../../probes/verdicts/latency.ts'
import type { Check } from '../../../probes/verdicts/verdict.ts'
import { broken, good, healthy, now, withLimits, withReadings } from '../../support/node-state.ts'

suite('a median', () => {
  test('is the middle one, or between the two', () => {
    assert.equal(median([]), 0)
    assert.equal(median([3]), 3)
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([1, 100, 3, 2]), 2.5)
  })

  test('has no more than half of the values on either side', () => {
    const lists = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1 })
    fc.assert(
      fc.property(lists, (values) => {
        const middle = median(values)
        assert.ok(values.filter((value) => value < middle).length <= values.length / 2)
        assert.ok(values.filter((value) => value > middle).length <= values.length / 2)
      }),
    )
  })
})

/** Feeds answers one second apart and returns the check after each. */
class Answers {
  #memory: LatencyMemory = { slow: false, window: [], takenAt: 0 }
  #at = now
  readonly #limited = withLimits(healthy(), { maxLatency: 100 })

  give(latencyMs: number, times = 1): Check['status'][] {
    return Array.from({ length: times }, () => {
      this.#at += 1_000
      const value = { latencyMs, inRecovery: false, startedAt: 0 }
      return this.#judge({ ...good('postgres.alive', value), takenAt: this.#at })
    })
  }

  /** The same reading is judged again, as happens several times a second. */
  again(latencyMs: number): Check['status'] {
    const value = { latencyMs, inRecovery: false, startedAt: 0 }
    return this.#judge({ ...good('postgres.alive', value), takenAt: this.#at })
  }

  fail(): Check['status'] {
    return this.#judge(broken('postgres.alive', { timedOut: true }))
  }

  #judge(reading: NonNullable<ReturnType<typeof healthy>['readings']['postgres.alive']>): Check['status'] {
    const { check, memory } = latencyCheck(withReadings(this.#limited, { 'postgres.alive': reading }), this.#memory)
    this.#memory = memory
    assert.ok(check !== undefined)
    if (check.status === 'failed') assert.ok(check.reason !== '' && check.action !== '')
    return check.status
  }
}

suite('the latency check', () => {
  test('does not exist without a limit', () => {
    const memory = { slow: false, window: [900, 900], takenAt: 1 }
    assert.deepEqual(latencyCheck(healthy(), memory), { check: undefined, memory })
  })

  test('decides nothing on the first seven answers', () => {
    const answers = new Answers()
    assert.deepEqual(new Set(answers.give(500, 7)), new Set(['ok']))
    assert.deepEqual(answers.give(500), ['failed'])
  })

  test('is not flipped by a few slow answers', () => {
    const answers = new Answers()
    answers.give(1, 15)
    assert.deepEqual(new Set(answers.give(5_000, 7)), new Set(['ok']))
    assert.deepEqual(answers.give(5_000), ['failed'])
  })

  test('fails above the limit and is good again only below half of it', () => {
    const answers = new Answers()
    answers.give(101, 15)
    assert.deepEqual(new Set(answers.give(80, 15)), new Set(['failed']))
    assert.deepEqual(new Set(answers.give(51, 15)), new Set(['failed']))
    assert.deepEqual(answers.give(50, 15).at(-1), 'ok')
    assert.deepEqual(new Set(answers.give(99, 15)), new Set(['ok']))
    assert.deepEqual(new Set(answers.give(100, 15)), new Set(['ok']), 'the limit itself is allowed')
    assert.deepEqual(answers.give(101, 15).at(-1), 'failed')
  })

  test('counts no answer twice, however often it is looked at', () => {
    const answers = new Answers()
    answers.give(1, 8)
    answers.give(5_000)
    for (let look = 0; look < 50; look += 1) assert.equal(answers.again(5_000), 'ok')
  })

  test('keeps its window while PostgreSQL does not answer: that is another check', () => {
    const answers = new Answers()
    answers.give(1, 15)
    assert.equal(answers.fail(), 'ok')
    answers.give(500, 15)
    assert.equal(answers.fail(), 'failed')
  })
})
