// What lies on this node of each distributed table: shards, bytes, the age of their oldest transaction id.
import { gauge } from '../collection.ts'
import type { Collection, FamilySpec } from '../collection.ts'
import { tablesWith } from '../postgres/table-relations.ts'

const labels = ['schema', 'table']

const families: readonly FamilySpec[] = [
  gauge('citus_local_shards', 'Shards of the table on this node.', 'shards', labels),
  gauge(
    'citus_local_shard_bytes',
    'Size of these without indexes, as of their last vacuum or analyze.',
    'bytes',
    labels,
  ),
  gauge('citus_largest_local_shard_bytes', 'Size of the largest of these.', 'largest', labels, 'max'),
  gauge(
    'citus_local_shards_oldest_xid_age',
    'Transactions since the oldest one that a vacuum of these has not frozen.',
    'age',
    labels,
    'max',
  ),
  gauge(
    'citus_local_shards_oldest_multixact_age',
    'Multixacts since the oldest one that a vacuum of these has not removed.',
    'mxid_age',
    labels,
    'max',
  ),
]

// A table that is partitioned has no storage of its own and no transaction id.
const sql = `${tablesWith(true)},
  sums as materialized (
    select t.target, count(*) as shards, max(age(t.relfrozenxid)) filter (where t.relfrozenxid <> '0') as age, max(mxid_age(t.relminmxid)) filter (where t.relminmxid <> '0') as mxid_age, sum(t.relpages::bigint) as pages, max(t.relpages) as largest
      from tables t where t.oid <> t.target group by t.target)
  select n.nspname as schema, c.relname as table, s.shards::float8 as shards, s.age::float8 as age, s.mxid_age::float8 as mxid_age,
         (s.pages * b.size)::float8 as bytes, (s.largest::bigint * b.size)::float8 as largest
    from sums s join pg_catalog.pg_class c on c.oid = s.target join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join (select current_setting('block_size')::integer as size) b
   order by s.pages desc`

/** Shards on this node by table. */
export const shards = {
  name: 'citus.shards',
  help: 'Shards on this node by table: how many, how large, how old their oldest transaction id.',
  interval: 60_000,
  where: { citus: true },
  sql: () => sql,
  families,
} as const satisfies Collection
