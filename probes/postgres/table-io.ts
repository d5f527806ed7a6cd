// Blocks of tables read and found in shared buffers, under the names of postgres_exporter; shards count for their table.
import { counter } from '../collection.ts'
import type { Collection } from '../collection.ts'
import { tablesWith } from './table-statistics.ts'

const labels = ['datname', 'schemaname', 'relname']

/** What pg_statio_user_tables has, without reading a view that hides shards. */
function blocks(relation: string, alias: string): string {
  return `cross join lateral (select coalesce(sum(pg_stat_get_blocks_fetched(r.oid) - pg_stat_get_blocks_hit(r.oid)), 0) as read,
                                     coalesce(sum(pg_stat_get_blocks_hit(r.oid)), 0) as hit from ${relation}) ${alias}`
}

const sql = (citus: boolean): string => `${tablesWith(citus)}
  select current_database() as datname, n.nspname as schemaname, c.relname,
         ${['heap', 'idx', 'toast', 'tidx'].map((part) => `sum(${part}.read)::float8 as ${part}_read, sum(${part}.hit)::float8 as ${part}_hit`).join(', ')}
    from tables t join pg_catalog.pg_class c on c.oid = t.target join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_class own on own.oid = t.oid
    ${blocks('(select own.oid) r', 'heap')}
    ${blocks('(select i.indexrelid as oid from pg_catalog.pg_index i where i.indrelid = own.oid) r', 'idx')}
    ${blocks('(select own.reltoastrelid as oid where own.reltoastrelid <> 0) r', 'toast')}
    ${blocks('(select i.indexrelid as oid from pg_catalog.pg_index i where i.indrelid = own.reltoastrelid and own.reltoastrelid <> 0) r', 'tidx')}
   group by n.nspname, c.relname order by sum(heap.read + heap.hit + idx.read + idx.hit) desc`

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
