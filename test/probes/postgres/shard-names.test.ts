// Statements of shards are those of their table; nothing else in a text is touched.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutShards } from '../../../probes/postgres/shard-names.ts'

const cases: readonly (readonly [text: string, folded: string])[] = [
  ['SELECT count(*) FROM public.orders_102008 orders', 'SELECT count(*) FROM public.orders orders'],
  [
    'INSERT INTO "Odd Name_102009" AS citus_table_alias (id) VALUES ($1)',
    'INSERT INTO "Odd Name" AS citus_table_alias (id) VALUES ($1)',
  ],
  ['UPDATE a_1234567 SET b = b_9', 'UPDATE a SET b = b_9'],
  ['select * from events_2024 where x_12345 = $1', 'select * from events_2024 where x_12345 = $1'],
]

for (const [text, folded] of cases)
  test(`${text} counts as ${folded}`, () => {
    assert.equal(withoutShards(text), folded)
    assert.equal(withoutShards(folded), folded)
  })
