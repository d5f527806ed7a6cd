// How long to wait after failures: always within the bounds, spread over all of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { delayOf } from '../../../agent/loop/backoff.ts'

const backoff = fc
  .integer({ min: 1, max: 60_000 })
  .chain((base) => fc.record({ base: fc.constant(base), cap: fc.integer({ min: base, max: 3_600_000 }) }))
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('never negative, never above the cap, never above the doubled base', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), backoff, unit, (failures, bounds, random) => {
      const delay = delayOf(failures, bounds, () => random)
      assert.ok(Number.isInteger(delay) && delay >= 0)
      assert.ok(delay <= bounds.cap)
      assert.ok(delay <= bounds.base * 2 ** (failures - 1))
    }),
  )
})

test('the longest wait doubles with each failure until it reaches the cap', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7].map((failures) => delayOf(failures, { base: 500, cap: 15_000 }, () => 1))
  assert.deepEqual(longest, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
})

test('full jitter: the shortest wait is none', () => {
  assert.equal(
    delayOf(9, { base: 500, cap: 15_000 }, () => 0),
    0,
  )
})

test('no failure, no wait, and no look at the dice', () => {
  const dice = () => assert.fail('nothing to throw for')
  assert.equal(delayOf(0, { base: 500, cap: 15_000 }, dice), 0)
  assert.equal(delayOf(-1, { base: 500, cap: 15_000 }, dice), 0)
})
