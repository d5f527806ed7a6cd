// What a standby receives and replays. Lag is never a computed 0: while nothing is received nobody knows how far the primary has come, and
// the age of what was replayed last is the truth that there is.
import { counter, gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

const labels = ['upstream_host', 'slot_name', 'status']

/** Replication as this server sees it when it is the one that follows. */
export const standby = {
  name: 'postgres.standby',
  collector: 'replication',
  help: 'What this server receives and replays, where it is a standby.',
  interval: 15_000,
  sql: () => `
  with here as (
    select pg_is_in_recovery() as replica, pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() as all_replayed,
           greatest(0, extract(epoch from now() - pg_last_xact_replay_timestamp()))::float8 as last_replay)
  select case when not h.replica then 0 when h.all_replayed and r.status = 'streaming' then 0 else h.last_replay end as lag, h.last_replay,
         r.sender_host as upstream_host, r.slot_name, r.status, pg_wal_lsn_diff(r.flushed_lsn, '0/0')::float8 as flushed, pg_wal_lsn_diff(r.receive_start_lsn, '0/0')::float8 as start_lsn,
         r.receive_start_tli as start_tli, r.received_tli, extract(epoch from r.last_msg_send_time)::float8 as sent, extract(epoch from r.last_msg_receipt_time)::float8 as received,
         pg_wal_lsn_diff(r.latest_end_lsn, '0/0')::float8 as latest_lsn, extract(epoch from r.latest_end_time)::float8 as latest, case when h.replica then (r.pid is not null)::integer end as receiving
    from here h left join pg_catalog.pg_stat_wal_receiver r on true`,
  families: [
    gauge(
      'pg_replication_lag_seconds',
      'Age of the last transaction that was replayed; 0 on a primary, and on a standby that receives and has replayed all.',
      'lag',
    ),
    gauge('pg_replication_lag', 'The same under its older name.', 'lag'),
    gauge('pg_replication_last_replay_seconds', 'Age of the last transaction that was replayed.', 'last_replay'),
    gauge('citus_sidecar_wal_receiver_up', 'Whether a process receives WAL.', 'receiving'),
    counter('pg_stat_wal_receiver_receive_start_lsn', 'Where the receiver began.', 'start_lsn', labels),
    gauge('pg_stat_wal_receiver_receive_start_tli', 'On which timeline it began.', 'start_tli', labels, 'max'),
    counter('pg_stat_wal_receiver_flushed_lsn', 'How far it has flushed.', 'flushed', labels),
    gauge('pg_stat_wal_receiver_received_tli', 'Timeline of what it flushed last.', 'received_tli', labels, 'max'),
    counter(
      'pg_stat_wal_receiver_last_msg_send_time',
      'When the last message was sent to it, in seconds since 1970.',
      'sent',
      labels,
    ),
    counter('pg_stat_wal_receiver_last_msg_receipt_time', 'When it received that.', 'received', labels),
    counter('pg_stat_wal_receiver_latest_end_lsn', 'The last position that it told the sender.', 'latest_lsn', labels),
    counter('pg_stat_wal_receiver_latest_end_time', 'When it told that.', 'latest', labels),
  ],
} as const satisfies Collection
