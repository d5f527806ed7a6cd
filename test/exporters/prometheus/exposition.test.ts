// Families -> text: escaped as each format wants it, and readable whatever they hold.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { familyText } from '../../../exporters/prometheus/exposition.ts'
import { counter, gauge } from '../../../probes/collection.ts'
import { readMetrics } from '../../support/prometheus-text.ts'

const samples = [{ labels: { table: 'a "b" \\ c\nd' }, value: 1.5 }]

suite('the text of a family', () => {
  test('is that of the format', () => {
    const spec = gauge('a', 'A "\\" or\nB.', 'n')
    const line = 'a{table="a \\"b\\" \\\\ c\\nd"} 1.5\n'
    assert.equal(familyText({ spec, samples }, 'text'), `# HELP a A "\\\\" or\\nB.\n# TYPE a gauge\n${line}`)
    assert.equal(familyText({ spec, samples }, 'openmetrics'), `# HELP a A \\"\\\\\\" or\\nB.\n# TYPE a gauge\n${line}`)
  })

  test('has a counter by the name of its family in OpenMetrics, and one without _total as unknown', () => {
    const one = [{ value: 1 }]
    const total = { spec: counter('a_total', 'A.', 'n'), samples: one }
    const compatible = { spec: counter('a_commit', 'A.', 'n'), samples: one }
    assert.equal(familyText(total, 'text'), '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n')
    assert.equal(familyText(total, 'openmetrics'), '# HELP a A.\n# TYPE a counter\na_total 1\n')
    assert.equal(familyText(compatible, 'text'), '# HELP a_commit A.\n# TYPE a_commit counter\na_commit 1\n')
    assert.equal(familyText(compatible, 'openmetrics'), '# HELP a_commit A.\n# TYPE a_commit unknown\na_commit 1\n')
  })

  test('of a histogram has its parts by their names in both formats', () => {
    const spec = { name: 'a_seconds', help: 'A.', type: 'histogram' } as const
    const samples = [
      { suffix: '_bucket', labels: { le: 0.5 }, value: 1 },
      { suffix: '_bucket', labels: { le: Number.POSITIVE_INFINITY }, value: 2 },
      { suffix: '_sum', value: 3.5 },
      { suffix: '_count', value: 2 },
    ] as const
    const text = `# HELP a_seconds A.
# TYPE a_seconds histogram
a_seconds_bucket{le="0.5"} 1
a_seconds_bucket{le="+Inf"} 2
a_seconds_sum 3.5
a_seconds_count 2
`
    assert.equal(familyText({ spec, samples }, 'text'), text)
    assert.equal(familyText({ spec, samples }, 'openmetrics'), text)
  })

  test('is nothing without a sample', () => {
    assert.equal(familyText({ spec: gauge('a', 'A.', 'n'), samples: [] }, 'text'), '')
  })

  test('can be read whatever labels and values are', () => {
    const sample = fc.record({ table: fc.string({ unit: 'binary' }), value: fc.double({ noNaN: true }) })
    fc.assert(
      fc.property(fc.uniqueArray(sample, { selector: ({ table }) => table, minLength: 1 }), (made) => {
        const written = made.map(({ table, value }) => ({ labels: { table }, value }))
        const text = familyText({ spec: gauge('a', 'A.', 'n', ['table']), samples: written }, 'text')
        assert.deepEqual(
          [...(readMetrics(text).get('a')?.samples.values() ?? [])],
          // The text has no negative zero.
          made.map(({ value }) => value + 0),
        )
      }),
    )
  })
})
