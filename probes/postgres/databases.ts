// What PostgreSQL counts for each database, under the names of postgres_exporter.
import { counter, gauge } from '../collection.ts'
import type { Collection, FamilySpec } from '../collection.ts'

/** Columns of pg_stat_database that are counters, and what they count. */
const counters: Readonly<Record<string, string>> = {
  xact_commit: 'Transactions committed.',
  xact_rollback: 'Transactions rolled back.',
  blks_read: 'Blocks read from disk or the operating system.',
  blks_hit: 'Blocks found in shared buffers.',
  tup_returned: 'Rows that scans looked at.',
  tup_fetched: 'Rows that index scans fetched.',
  tup_inserted: 'Rows inserted.',
  tup_updated: 'Rows updated.',
  tup_deleted: 'Rows deleted.',
  conflicts: 'Queries cancelled because of recovery conflicts.',
  temp_files: 'Temporary files made by queries.',
  temp_bytes: 'Bytes written to temporary files.',
  deadlocks: 'Deadlocks on this node; Citus resolves those across nodes without counting them here.',
  blk_read_time: 'Time spent reading blocks, in milliseconds; 0 without track_io_timing.',
  blk_write_time: 'Time spent writing blocks, in milliseconds; 0 without track_io_timing.',
}
const labels = ['datid', 'datname']

const families: readonly FamilySpec[] = [
  gauge('pg_stat_database_numbackends', 'Sessions now.', 'numbackends', labels),
  ...Object.entries(counters).map(([value, help]) => counter(`pg_stat_database_${value}`, help, value, labels)),
  counter(
    'pg_stat_database_stats_reset',
    'When these numbers were last set to 0, in seconds since 1970.',
    'stats_reset',
    labels,
  ),
]

const sql = `
  select d.datid::text, d.datname, d.numbackends, ${Object.keys(counters)
    .map((column) => `d.${column}::float8`)
    .join(', ')}, extract(epoch from d.stats_reset)::float8 as stats_reset
    from pg_catalog.pg_stat_database d where d.datname is not null order by d.xact_commit desc`

/** Counters of each database. */
export const databases = {
  name: 'postgres.databases',
  collector: 'stat_database',
  help: 'What PostgreSQL counts for each database: transactions, rows, blocks, conflicts, deadlocks.',
  interval: 15_000,
  sql: () => sql,
  families,
} as const satisfies Collection
