// What lies on this node of each distributed table: shards, bytes, the age of their oldest transaction id.
import { gauge } from '../collection.ts'
import type { Collection, FamilySpec } from '../collection.ts'
import { tablesWith } from '../postgres/table-statistics.ts'

const labels = ['schema', 'table']

const families: readonly FamilySpec[] = [
  gauge('citus_local_shards', 'Shards of the table on this node.', 'shards', labels),
  gauge(
    'citus_local_shard_bytes',
    'Size of these without indexes, as of their last vacuum or analyze.',
    'bytes',
    labels,
  ),
  gauge('citus_largest_local_shard_bytes', 'Size of the largest of these.', 'largest', labels),
  gauge(
    'citus_local_shards_oldest_xid_age',
    'Transactions since the oldest one that a vacuum of these has not frozen.',
    'age',
    labels,
  ),
]

// A table that is partitioned has no storage of its own and no transaction id.
const sql = `${tablesWith(true)}
  select n.nspname as schema, c.relname as table, count(*)::float8 as shards, max(pg_catalog.age(s.relfrozenxid)) filter (where s.relfrozenxid <> '0')::float8 as age,
         sum(s.relpages::bigint * b.size)::float8 as bytes, max(s.relpages::bigint * b.size)::float8 as largest
    from tables t join pg_catalog.pg_class s on s.oid = t.oid join pg_catalog.pg_class c on c.oid = t.target
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join (select pg_catalog.current_setting('block_size')::integer as size) b
   where t.oid <> t.target group by 1, 2 order by sum(s.relpages::bigint) desc`

/** Shards on this node by table. */
export const shards = {
  name: 'citus.shards',
  help: 'Shards on this node by table: how many, how large, how old their oldest transaction id.',
  interval: 60_000,
  where: { citus: true },
  sql: () => sql,
  families,
} as const satisfies Collection
