// Who replicates from this server and how far each is behind, as this server sees it.
import { gauge, unknownType } from '../collection.ts'
import type { Collection } from '../collection.ts'

const labels = ['application_name', 'client_addr', 'state', 'slot_name']
const name = ['application_name']

/** Replicas of this server. */
export const replicas = {
  name: 'postgres.replicas',
  collector: 'stat_replication',
  help: 'Replicas of this server and how far they are behind, as this server sees them.',
  interval: 15_000,
  sql: () => `
  select r.application_name, host(r.client_addr) as client_addr, r.state, s.slot_name, here.bytes as current, here.bytes - pg_wal_lsn_diff(r.replay_lsn, '0/0')::float8 as diff,
         here.bytes - pg_wal_lsn_diff(r.sent_lsn, '0/0')::float8 as unsent, here.bytes - pg_wal_lsn_diff(r.flush_lsn, '0/0')::float8 as unflushed,
         here.bytes - pg_wal_lsn_diff(r.replay_lsn, '0/0')::float8 as unreplayed,
         extract(epoch from r.replay_lag)::float8 as replay_lag, extract(epoch from r.reply_time)::float8 as reply_time, (r.sync_state in ('sync', 'quorum'))::integer as sync
    from (select pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0')::float8 as bytes) here,
         pg_catalog.pg_stat_replication r left join pg_catalog.pg_replication_slots s on s.active_pid = r.pid
   order by diff desc nulls last`,
  families: [
    gauge('pg_stat_replication_pg_current_wal_lsn_bytes', 'WAL position of this server.', 'current', labels, 'max'),
    gauge(
      'pg_stat_replication_pg_wal_lsn_diff',
      'WAL that the replica has not replayed, in bytes.',
      'diff',
      labels,
      'max',
    ),
    unknownType(
      'pg_stat_replication_reply_time',
      'When the replica last told how far it is, in seconds since 1970.',
      'reply_time',
      labels,
    ),
    gauge('citus_sidecar_replica_unsent_bytes', 'WAL that was not sent to the replica yet.', 'unsent', name, 'max'),
    gauge(
      'citus_sidecar_replica_unflushed_bytes',
      'WAL that the replica has not on its disk.',
      'unflushed',
      name,
      'max',
    ),
    gauge(
      'citus_sidecar_replica_unreplayed_bytes',
      'WAL that the replica has not replayed.',
      'unreplayed',
      name,
      'max',
    ),
    gauge(
      'citus_sidecar_replica_replay_lag_seconds',
      'How long WAL takes until the replica has replayed it; none while it is idle and has all.',
      'replay_lag',
      name,
      'max',
    ),
    gauge('citus_sidecar_replica_synchronous', 'Whether commits wait for the replica.', 'sync', name, 'max'),
  ],
} as const satisfies Collection
