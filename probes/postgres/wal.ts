// WAL on disk and its archiver, under the names of postgres_exporter.
import { counter, gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** WAL and its archiver. */
export const wal = {
  name: 'postgres.wal',
  collector: 'wal',
  help: 'WAL on disk, and what the archiver did.',
  interval: 15_000,
  sql: () => `
  select files.segments, files.size, a.archived_count::float8 as archived, a.failed_count::float8 as failed, extract(epoch from now() - a.last_archived_time)::float8 as age,
         extract(epoch from a.last_archived_time)::float8 as archived_at, extract(epoch from a.last_failed_time)::float8 as failed_at
    from pg_catalog.pg_stat_archiver a,
         (select count(*)::float8 as segments, sum(w.size)::float8 as size from pg_catalog.pg_ls_waldir() w where w.name ~ '^[0-9A-F]{24}$') files`,
  families: [
    gauge('pg_wal_segments', 'WAL segments on disk.', 'segments'),
    gauge('pg_wal_size_bytes', 'Size of these.', 'size'),
    counter('pg_stat_archiver_archived_count', 'WAL segments that were archived.', 'archived'),
    counter('pg_stat_archiver_failed_count', 'Attempts to archive a segment that failed.', 'failed'),
    gauge('pg_stat_archiver_last_archive_age', 'How long ago the last segment was archived, in seconds.', 'age'),
    gauge(
      'citus_sidecar_archiver_last_archived_timestamp_seconds',
      'When the last segment was archived.',
      'archived_at',
    ),
    gauge('citus_sidecar_archiver_last_failed_timestamp_seconds', 'When an attempt last failed.', 'failed_at'),
  ],
} as const satisfies Collection
