// Families -> text: escaped as the format wants it, written once a reading, gone once it is too old.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Snapshot } from '../../../exporters/exporter.ts'
import { FamilyTexts, familyText } from '../../../exporters/prometheus/family-text.ts'
import { toFamilies } from '../../../probes/collection.ts'
import type { Family, FamilySpec } from '../../../probes/collection.ts'
import { readMetrics } from '../../support/prometheus-text.ts'
import { good, now } from '../../support/node-state.ts'

const spec: FamilySpec = { name: 'a', help: 'A \\ or\nB.', type: 'gauge', labels: ['table'], value: 'n' }

suite('the text of families', () => {
  test('is that of the format', () => {
    const [family] = toFamilies([spec], [{ table: 'a "b" \\ c\nd', n: 1.5 }])
    assert.ok(family)
    assert.equal(familyText(family), '\n# HELP a A \\\\ or\\nB.\n# TYPE a gauge\na{table="a \\"b\\" \\\\ c\\nd"} 1.5\n')
  })

  test('is nothing without a sample', () => {
    assert.equal(familyText({ spec, samples: [], dropped: 0 }), '')
  })

  test('can be read whatever labels and values are', () => {
    const row = fc.record({ table: fc.string({ unit: 'binary' }), n: fc.double({ noNaN: true }) })
    fc.assert(
      fc.property(fc.uniqueArray(row, { selector: ({ table }) => table, minLength: 1 }), (rows) => {
        const [family] = toFamilies([spec], rows)
        assert.ok(family)
        const samples = [...(readMetrics(familyText(family)).get('a')?.samples.values() ?? [])]
        assert.deepEqual(
          samples,
          // The text has no negative zero.
          rows.map(({ n }) => n + 0),
        )
      }),
    )
  })

  test('is written once for a reading, and not told once that is older than five minutes', () => {
    const families = toFamilies([spec], [{ table: 'x', n: 1 }])
    const texts = new FamilyTexts()
    const at = (age: number, found: readonly Family[] = families): string => {
      const readings = { 'postgres.tables': good('postgres.tables', found, age) }
      return texts.text({ now, readings } as unknown as Snapshot)
    }
    assert.match(at(0), /^a\{table="x"\} 1$/m)
    assert.equal(at(300_000), at(0))
    assert.equal(at(300_001), '')
    assert.match(at(0, toFamilies([spec], [{ table: 'x', n: 2 }])), /^a\{table="x"\} 2$/m)
  })
})
