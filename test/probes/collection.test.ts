// Rows -> families: what has no value is no sample, a bad row costs itself alone, and what is too much is summed up.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { collect, counter, FamilyReader, gauge } from '../../probes/collection.ts'
import type { Family, FamilySpec, Row } from '../../probes/collection.ts'
import { probeLimits } from '../support/probe-limits.ts'
import { probeContext, scriptedSql } from '../support/scripted-sql.ts'

const spec = counter('a_total', 'A.', 'n', ['table'])

function read(specs: readonly FamilySpec[], rows: readonly Row[], limit = 1_000): readonly Omit<Family, 'spec'>[] {
  return new FamilyReader(specs, limit).read(rows).map(({ samples, dropped }) => ({ samples, dropped }))
}

test('without the names of postgres_exporter a collection that has others keeps those, and one that has none is not asked', async () => {
  const limits = { ...probeLimits, pgMetrics: false }
  const facts = { role: 'standalone', inRecovery: false } as const
  const row = { name: 'x', a: 1, b: 2 }
  const made = (families: readonly FamilySpec[]) =>
    collect({ name: 'postgres.wal', help: 'Help.', interval: 1_000, sql: () => 'select', families }, limits)
  const both = made([gauge('pg_a', 'A.', 'a'), gauge('citus_b', 'B.', 'b')])
  assert.equal(both.skip(facts), undefined)
  const found = await both.read(probeContext(scriptedSql({ when: /select/, rows: [row] })), AbortSignal.timeout(60_000))
  assert.deepEqual(
    found.families.map(({ spec }) => spec.name),
    ['citus_b'],
  )
  assert.equal(made([gauge('pg_a', 'A.', 'a')]).skip(facts), 'CITUS_SIDECAR_PG_METRICS is off')
})

suite('rows become families', () => {
  test('with labels and values by column', () => {
    const rows = [
      { table: 'x', n: 1, m: null },
      { table: null, n: '2.5', m: 7 },
    ]
    assert.deepEqual(read([spec, gauge('b', 'B.', 'm')], rows), [
      {
        samples: [
          { labels: { table: 'x' }, value: 1 },
          { labels: { table: '' }, value: 2.5 },
        ],
        dropped: 0,
      },
      { samples: [{ labels: {}, value: 7 }], dropped: 0 },
    ])
  })

  test('without what is told twice or is no number, and counting it', () => {
    const rows = [
      { table: 'x', n: 1 },
      { table: 'x', n: 2 },
      { table: 'y', n: 'many' },
      { table: 'z', n: 3 },
    ]
    assert.deepEqual(read([spec], rows), [
      {
        samples: [
          { labels: { table: 'x' }, value: 1 },
          { labels: { table: 'z' }, value: 3 },
        ],
        dropped: 2,
      },
    ])
  })

  test('with the rest as one sample: summed up, or its oldest, or its last', () => {
    const specs = [
      spec,
      gauge('b', 'B.', 'n', ['schema', 'table'], 'max'),
      gauge('c', 'C.', 'n', ['schema', 'table'], 'min'),
    ]
    const rows = [9, 8, 3, 4].map((n, index) => ({ schema: 'public', table: `t${index}`, n }))
    const [a, b, c] = read(specs, rows, 2)
    assert.deepEqual(a, {
      samples: [
        { labels: { table: 't0' }, value: 9 },
        { labels: { table: 't1' }, value: 8 },
        { labels: { table: 'other' }, value: 7 },
      ],
      dropped: 2,
    })
    assert.deepEqual(b?.samples.at(-1), { labels: { schema: 'public', table: 'other' }, value: 4 })
    assert.deepEqual(c?.samples.at(-1), { labels: { schema: 'public', table: 'other' }, value: 3 })
  })

  test('with the same seats for all families of the same labels, whatever they have values in', () => {
    const specs = [spec, gauge('b', 'B.', 'm', ['table'])]
    const rows = [
      { table: 'x', n: 5, m: null },
      { table: 'y', n: 4, m: 1 },
      { table: 'z', n: 3, m: 2 },
    ]
    const [, b] = read(specs, rows, 2)
    assert.deepEqual(b, {
      samples: [
        { labels: { table: 'y' }, value: 1 },
        { labels: { table: 'other' }, value: 2 },
      ],
      dropped: 1,
    })
  })
})
