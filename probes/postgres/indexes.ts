// Indexes of tables: blocks, and those that nobody reads. A distributed table has an index on each shard, by the name of the table's with
// the shard's number behind it; one is unused where it is on all shards of this node.
import { counter, gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'
import { tablesWith, withoutNumber } from './table-relations.ts'

const labels = ['schemaname', 'relname', 'indexrelname']

const sql = (citus: boolean): string => `${tablesWith(citus)},
  found as materialized (
    select n.nspname as schemaname, c.relname, case when t.oid = t.target then i.relname else ${withoutNumber('i.relname')} end as indexrelname,
           i.oid, i.relpages, x.indisunique or x.indisexclusion or x.indisreplident as needed, x.indisvalid as valid
      from tables t join pg_catalog.pg_index x on x.indrelid = t.oid join pg_catalog.pg_class i on i.oid = x.indexrelid
      join pg_catalog.pg_class c on c.oid = t.target join pg_catalog.pg_namespace n on n.oid = c.relnamespace)
  select f.schemaname, f.relname, f.indexrelname, sum(pg_stat_get_blocks_fetched(f.oid) - pg_stat_get_blocks_hit(f.oid))::float8 as read,
         sum(pg_stat_get_blocks_hit(f.oid))::float8 as hit, sum(pg_stat_get_numscans(f.oid))::float8 as scans,
         case when sum(pg_stat_get_numscans(f.oid)) = 0 and not bool_or(f.needed)
              then sum(f.relpages::bigint * current_setting('block_size')::integer)::float8 end as unused, nullif(count(*) filter (where not f.valid), 0)::float8 as invalid
    from found f group by 1, 2, 3 order by sum(f.relpages) desc`

/** Indexes, and those that nobody reads. */
export const indexes = {
  name: 'postgres.indexes',
  collector: 'statio_user_indexes',
  help: 'Blocks and scans of each index, and indexes that nobody reads; those of shards count for the index of their table.',
  interval: 300_000,
  sql: ({ role }) => sql(role !== 'standalone'),
  families: [
    counter('pg_statio_user_indexes_idx_blks_read_total', 'Blocks of the index that were read.', 'read', labels),
    counter(
      'pg_statio_user_indexes_idx_blks_hit_total',
      'Blocks of the index that were found in shared buffers.',
      'hit',
      labels,
    ),
    counter('citus_sidecar_index_scans_total', 'Scans of the index.', 'scans', labels),
    gauge(
      'citus_sidecar_unused_index_bytes',
      'Size of an index without a scan on any shard of this node, where nothing but speed needs it.',
      'unused',
      labels,
    ),
    gauge(
      'citus_sidecar_invalid_indexes',
      'Indexes of this name that are not valid: made in vain, or still being made.',
      'invalid',
      labels,
    ),
  ],
} as const satisfies Collection
