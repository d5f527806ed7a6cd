// How far moves of shards are, as the node that runs them knows. Sizes of both sides are asked of these nodes, so only while one goes on.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Shards that are being moved. */
export const rebalance = {
  name: 'citus.rebalance',
  help: 'How far moves of shards are.',
  interval: 30_000,
  where: { citus: '11.2', coordinator: true, primary: true },
  session: 'sizes',
  sql: () => `
  select p.operation_type::text as operation, p.progress_state as state, count(*)::float8 as shards, sum(p.source_shard_size)::float8 as source, sum(p.target_shard_size)::float8 as target,
         sum(case p.progress when 2 then 0 else greatest(p.source_shard_size - p.target_shard_size, 0) end)::float8 as left,
         max(pg_wal_lsn_diff(p.source_lsn, p.target_lsn))::float8 as lag
    from (select g.*, case g.progress when 0 then 'waiting' when 1 then 'moving' else 'moved' end as progress_state from pg_catalog.get_rebalance_progress() g) p
   group by 1, 2`,
  families: [
    gauge('citus_rebalance_shards', 'Shards of moves and splits that go on, by how far they are.', 'shards', [
      'operation',
      'state',
    ]),
    gauge('citus_rebalance_source_bytes', 'Size of these where they come from.', 'source', ['operation', 'state']),
    gauge('citus_rebalance_target_bytes', 'Size of these where they go to, so far.', 'target', ['operation', 'state']),
    gauge('citus_rebalance_left_bytes', 'Bytes that are still to be copied.', 'left', ['operation', 'state']),
    gauge(
      'citus_rebalance_wal_lag_bytes',
      'WAL that the target has still to replay of the shard furthest behind.',
      'lag',
      ['operation', 'state'],
      'max',
    ),
  ],
} as const satisfies Collection
