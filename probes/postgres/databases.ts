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
/** Columns of pg_stat_database_conflicts, and what cancelled a query of a standby there. */
const conflicts: Readonly<Record<string, string>> = {
  confl_tablespace: 'a tablespace that was dropped',
  confl_lock: 'a lock that waited too long',
  confl_snapshot: 'rows that were removed',
  confl_bufferpin: 'a buffer that was kept',
  confl_deadlock: 'a deadlock',
}
const labels = ['datid', 'datname']
const activeSince = 140_000

const families: readonly FamilySpec[] = [
  gauge('pg_stat_database_numbackends', 'Sessions now.', 'numbackends', labels),
  ...Object.entries(counters).map(([value, help]) => counter(`pg_stat_database_${value}`, help, value, labels)),
  counter(
    'pg_stat_database_stats_reset',
    'When these numbers were last set to 0, in seconds since 1970.',
    'stats_reset',
    labels,
  ),
  counter(
    'pg_stat_database_active_time_seconds_total',
    'Time that sessions spent with queries, in seconds; since PostgreSQL 14.',
    'active_seconds',
    labels,
  ),
  ...Object.entries(conflicts).map(([value, what]) =>
    counter(
      `pg_stat_database_conflicts_${value}`,
      `Queries of a standby that were cancelled because of ${what}.`,
      value,
      labels,
    ),
  ),
]

const sql = (version: number): string => `
  select d.datid::text, d.datname, d.numbackends, ${Object.keys(counters)
    .map((column) => `d.${column}::float8`)
    .join(', ')}, extract(epoch from d.stats_reset)::float8 as stats_reset,
         ${version < activeSince ? 'null' : '(d.active_time / 1000)::float8'} as active_seconds, ${Object.keys(
           conflicts,
         )
           .map((column) => `c.${column}::float8`)
           .join(', ')}
    from pg_catalog.pg_stat_database d left join pg_catalog.pg_stat_database_conflicts c on c.datid = d.datid where d.datname is not null order by d.xact_commit desc`

/** Counters of each database. */
export const databases = {
  name: 'postgres.databases',
  collector: 'stat_database',
  help: 'What PostgreSQL counts for each database: transactions, rows, blocks, conflicts, deadlocks.',
  interval: 15_000,
  sql: ({ version = 0 }) => sql(version),
  families,
} as const satisfies Collection
