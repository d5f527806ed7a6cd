// Shards that no metadata have a placement for: what a move or a split left behind takes space, and nobody drops it (citus#5329).
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'
import { shardNumber, tablesWith } from '../postgres/table-relations.ts'

/** Orphaned shards on this node. */
export const orphans = {
  name: 'citus.orphans',
  help: 'Shards on this node that no metadata have a placement for.',
  interval: 300_000,
  where: { citus: true, primary: true },
  session: 'sizes',
  sql: () => `${tablesWith(true)}
  select count(*)::float8 as orphans, coalesce(sum(c.relpages::bigint * current_setting('block_size')::integer), 0)::float8 as bytes
    from shards s join pg_catalog.pg_class c on c.relnamespace = s.schema and c.relkind in ('r', 'p') and ${shardNumber('c.relname')} = s.id
   where not s.here`,
  families: [
    gauge(
      'citus_orphaned_shards',
      'Shards on this node without a placement here: of a move or a split that goes on, waiting for their clean-up, or forgotten.',
      'orphans',
    ),
    gauge('citus_orphaned_shard_bytes', 'Size of these without indexes, as of their last vacuum or analyze.', 'bytes'),
  ],
} as const satisfies Collection
