// WAL on disk, its archiver, and who keeps it, under the names of postgres_exporter.
import { counter, gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

// A slot's row has labels, the others have one sample each, in the first row.
const sql = `
  with server as (
    select files.segments, files.size,
           a.archived_count::float8 as archived, a.failed_count::float8 as failed, extract(epoch from now() - a.last_archived_time)::float8 as age,
           case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn() else pg_catalog.pg_current_wal_lsn() end as lsn
      from pg_catalog.pg_stat_archiver a,
           (select count(*)::float8 as segments, sum(w.size)::float8 as size from pg_catalog.pg_ls_waldir() w where w.name ~ '^[0-9A-F]{24}$') files)
  select null as slot_name, null as slot_type, null as database, s.segments, s.size, s.archived, s.failed, s.age, null::float8 as behind, null::float8 as active, null::float8 as safe
    from server s
  union all
  select r.slot_name, r.slot_type, r.database, null, null, null, null, null, pg_catalog.pg_wal_lsn_diff(s.lsn, r.restart_lsn)::float8, r.active::int::float8, r.safe_wal_size::float8
    from pg_catalog.pg_replication_slots r, server s`

const slot = ['slot_name', 'database']

/** WAL, archiver and replication slots. */
export const wal = {
  name: 'postgres.wal',
  collector: 'wal',
  help: 'WAL on disk, what the archiver did, and how far replication slots are behind.',
  interval: 15_000,
  sql: () => sql,
  families: [
    gauge('pg_wal_segments', 'WAL segments on disk.', 'segments'),
    gauge('pg_wal_size_bytes', 'Size of these.', 'size'),
    counter('pg_stat_archiver_archived_count', 'WAL segments that were archived.', 'archived'),
    counter('pg_stat_archiver_failed_count', 'Attempts to archive a segment that failed.', 'failed'),
    gauge('pg_stat_archiver_last_archive_age', 'How long ago the last segment was archived, in seconds.', 'age'),
    gauge(
      'pg_replication_slots_pg_wal_lsn_diff',
      'WAL that a slot keeps from being removed, in bytes.',
      'behind',
      slot,
    ),
    gauge('pg_replication_slots_active', 'Whether somebody reads from the slot.', 'active', slot),
    gauge(
      'pg_replication_slots_safe_wal_size_bytes',
      'WAL that can be written before the slot is in danger of being lost.',
      'safe',
      ['slot_name', 'slot_type'],
    ),
  ],
} as const satisfies Collection
