// Rows -> families: what has no value is no sample, and a bad row costs itself alone.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { toFamilies } from '../../probes/collection.ts'
import type { FamilySpec } from '../../probes/collection.ts'

const spec: FamilySpec = { name: 'a_total', help: 'A.', type: 'counter', labels: ['table'], value: 'n' }

suite('rows become families', () => {
  test('with labels and values by column', () => {
    const both = [spec, { ...spec, name: 'b', labels: [], value: 'm' }]
    const rows = [
      { table: 'x', n: 1, m: null },
      { table: null, n: '2.5', m: 7 },
    ]
    assert.deepEqual(
      toFamilies(both, rows).map(({ samples, dropped }) => ({ samples, dropped })),
      [
        {
          samples: [
            { labels: { table: 'x' }, value: 1 },
            { labels: { table: '' }, value: 2.5 },
          ],
          dropped: 0,
        },
        { samples: [{ labels: {}, value: 7 }], dropped: 0 },
      ],
    )
  })

  test('without what is told twice or is no number, and counting it', () => {
    const rows = [
      { table: 'x', n: 1 },
      { table: 'x', n: 2 },
      { table: 'y', n: 'many' },
      { table: 'z', n: 3 },
    ]
    const [family] = toFamilies([spec], rows)
    assert.deepEqual(family?.samples, [
      { labels: { table: 'x' }, value: 1 },
      { labels: { table: 'z' }, value: 3 },
    ])
    assert.equal(family.dropped, 2)
  })

  test('of the first rows only, where there are too many', () => {
    const [family] = toFamilies(
      [spec],
      Array.from({ length: 2_500 }, (_, index) => ({ table: `t${index}`, n: 2_500 - index })),
    )
    assert.equal(family?.samples.length, 2_000)
    assert.equal(family.samples.at(-1)?.labels['table'], 't1999')
    assert.equal(family.dropped, 500)
  })
})
