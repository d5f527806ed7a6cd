// Quantiles of durations from bins: as wrong as they say, and no more.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { DurationSketch, relativeError } from '../../../exporters/statements/duration-sketch.ts'

const durations = fc.array(fc.double({ min: 0.01, max: 60_000_000, noNaN: true }), { minLength: 1, maxLength: 300 })

function sketchOf(all: readonly number[]): DurationSketch {
  const sketch = new DurationSketch()
  for (const ms of all) sketch.add(ms)
  return sketch
}

/** By nearest rank. */
function exactly(all: readonly number[], part: number): number {
  return all.toSorted((a, b) => a - b)[Math.ceil(part * all.length) - 1] ?? assert.fail()
}

suite('a sketch of durations', () => {
  test('is wrong by 4.4 % at most', () => {
    assert.ok(relativeError < 0.0434)
    fc.assert(
      fc.property(durations, fc.constantFrom(0.01, 0.5, 0.95, 0.99, 1), (all, part) => {
        const exact = exactly(all, part)
        const found = sketchOf(all).quantile(part) ?? assert.fail()
        assert.ok(Math.abs(found - exact) <= exact * (relativeError + 1e-9), `${found} for ${exact}`)
      }),
    )
  })

  test('is the same whether it was merged or not', () => {
    fc.assert(
      fc.property(durations, durations, (some, others) => {
        const merged = sketchOf(some)
        merged.merge(sketchOf(others))
        const whole = sketchOf([...some, ...others])
        for (const part of [0.1, 0.5, 0.95, 1]) assert.equal(merged.quantile(part), whole.quantile(part))
      }),
    )
  })

  test('takes what is beyond its bins for the outermost', () => {
    const found = [0, 1e-9, 1e12].map((ms) => sketchOf([ms]).quantile(1) ?? assert.fail())
    assert.deepEqual(
      found.map((ms) => ms < 0.01),
      [true, true, false],
    )
    assert.ok((found[2] ?? 0) > 17 * 3_600_000)
  })

  test('knows nothing of nothing', () => {
    assert.equal(new DurationSketch().quantile(0.95), undefined)
  })
})
