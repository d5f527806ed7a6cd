// Ranges of versions as postgres_exporter's users write them.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isInRange, parseVersionRange } from '../../probes/version-range.ts'

const cases: readonly (readonly [range: string, inside: readonly number[], outside: readonly number[]])[] = [
  ['>=14.0.0', [140_000, 140_005, 180_001], [130_022]],
  ['>=14.0.0 <17.0.0', [140_000, 160_009], [130_000, 170_000]],
  ['>=14, <17', [140_000, 160_009], [130_000, 170_000]],
  ['>= 14.2 < 14.4', [140_002, 140_003], [140_001, 140_004]],
  ['>14.2.0 <=14.4.0', [140_003, 140_004], [140_002, 140_005]],
  ['16.1', [160_001], [160_000, 160_002]],
  ['=16.1.0', [160_001], [160_002]],
  ['==16.1.0', [160_001], [160_002]],
  ['!=16.1.0', [160_000], [160_001]],
  ['<14.0.0 || >=17.0.0', [130_000, 170_000], [140_000, 160_000]],
]

suite('a range of versions', () => {
  for (const [range, inside, outside] of cases)
    test(`${range} has what it says`, () => {
      const parsed = parseVersionRange(range)
      assert.ok(parsed !== undefined)
      for (const version of inside) assert.ok(isInRange(parsed, version), String(version))
      for (const version of outside) assert.ok(!isInRange(parsed, version), String(version))
    })

  for (const text of ['', ' ', 'new', '14.x', '>=', '>=14.0.0.0', '=>14', '>=14 ||', '1234', '^14.0.0', '>=14;'])
    test(`is not "${text}"`, () => assert.equal(parseVersionRange(text), undefined))
})
