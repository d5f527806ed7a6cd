// Blocks of tables read and found in shared buffers, under the names of postgres_exporter; shards count for their table.
import { counter } from '../collection.ts'
import type { Collection } from '../collection.ts'
import { tablesWith } from './table-relations.ts'

const labels = ['datname', 'schemaname', 'relname']

const of = (part: string, read: string, hit: string): string =>
  `sum(coalesce(${read}, 0))::float8 as ${part}_read, sum(coalesce(${hit}, 0))::float8 as ${part}_hit`
const blocksOf = (oid: string): readonly [read: string, hit: string] => [
  `pg_stat_get_blocks_fetched(${oid}) - pg_stat_get_blocks_hit(${oid})`,
  `pg_stat_get_blocks_hit(${oid})`,
]

/** What pg_statio_user_tables has, without reading a view that hides shards. */
const sql = (citus: boolean): string => `${tablesWith(citus)},
  indexed as materialized (
    select x.indrelid, sum(${blocksOf('x.indexrelid')[0]}) as read, sum(${blocksOf('x.indexrelid')[1]}) as hit from pg_catalog.pg_index x group by 1),
  counted as materialized (
    select t.target, ${of('heap', ...blocksOf('t.oid'))}, ${of('toast', ...blocksOf('nullif(t.toast, 0)'))},
           ${of('idx', 'indexes.read', 'indexes.hit')}, ${of('tidx', 'toasted.read', 'toasted.hit')}
      from tables t left join indexed indexes on indexes.indrelid = t.oid left join indexed toasted on toasted.indrelid = t.toast and t.toast <> 0
     group by t.target)
  select current_database() as datname, n.nspname as schemaname, c.relname, u.*
    from counted u join pg_catalog.pg_class c on c.oid = u.target join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   order by u.heap_read + u.heap_hit + u.idx_read + u.idx_hit desc`

const parts = { heap: 'the table', idx: 'its indexes', toast: 'its TOAST table', tidx: 'the index of that' }

/** Block reads and hits of each table. */
export const tableIo = {
  name: 'postgres.table-io',
  collector: 'statio_user_tables',
  help: 'Blocks of each table that were read and that were found in shared buffers; shards count for their table.',
  interval: 60_000,
  sql: ({ role }) => sql(role !== 'standalone'),
  inEvery: sql(false),
  families: Object.entries(parts).flatMap(([part, what]) => [
    counter(`pg_statio_user_tables_${part}_blocks_read`, `Blocks of ${what} that were read.`, `${part}_read`, labels),
    counter(
      `pg_statio_user_tables_${part}_blocks_hit`,
      `Blocks of ${what} that were found in shared buffers.`,
      `${part}_hit`,
      labels,
    ),
  ]),
} as const satisfies Collection
