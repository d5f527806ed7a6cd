// Statistics of tables under the names of postgres_exporter, true on a worker, too: shards count for the table that they are of.
import { counter, gauge } from '../collection.ts'
import type { Collection, FamilySpec } from '../collection.ts'
import { sums, tablesWith, times } from './table-statistics.ts'

const labels = ['datname', 'schemaname', 'relname']
const gauges: ReadonlySet<string> = new Set(['n_live_tup', 'n_dead_tup', 'n_mod_since_analyze'])

const help: Readonly<Record<keyof typeof sums | keyof typeof times, string>> = {
  seq_scan: 'Sequential scans.',
  seq_tup_read: 'Live rows that sequential scans fetched.',
  idx_scan: 'Index scans.',
  idx_tup_fetch: 'Live rows that index scans fetched.',
  n_tup_ins: 'Rows inserted.',
  n_tup_upd: 'Rows updated.',
  n_tup_del: 'Rows deleted.',
  n_tup_hot_upd: 'Rows updated without a new index entry.',
  n_live_tup: 'Live rows, estimated.',
  n_dead_tup: 'Dead rows, estimated.',
  n_mod_since_analyze: 'Rows changed since the last analyze, estimated.',
  vacuum_count: 'Vacuums by hand.',
  autovacuum_count: 'Vacuums by autovacuum.',
  analyze_count: 'Analyzes by hand.',
  autoanalyze_count: 'Analyzes by autovacuum.',
  last_vacuum: 'Last vacuum by hand, in seconds since 1970; 0: never. Of several shards the one that was longest ago.',
  last_autovacuum: 'Last vacuum by autovacuum, likewise.',
  last_analyze: 'Last analyze by hand, likewise.',
  last_autoanalyze: 'Last analyze by autovacuum, likewise.',
}

/** Sizes without opening anything: what the last vacuum or analyze saw, and nothing of a table that none has seen. */
const sizes = {
  table_size_bytes: 'Size of the table with its TOAST table, as of their last vacuum or analyze.',
  index_size_bytes: 'Size of its indexes, likewise.',
}

const families = Object.entries({ ...help, ...sizes }).map(([value, text]): FamilySpec => {
  const name = `pg_stat_user_tables_${value}`
  if (value in times) return gauge(name, text, value, labels, 'min')
  return gauges.has(value) || value in sizes ? gauge(name, text, value, labels) : counter(name, text, value, labels)
})

function sqlFor(citus: boolean): string {
  const columns = [
    ...Object.entries(sums).map(([name, text]) => `sum(${text})::float8 as ${name}`),
    ...Object.entries(times).map(([name, text]) => `min(coalesce(extract(epoch from ${text}), 0))::float8 as ${name}`),
    '(sum(t.relpages::bigint + coalesce(toast.relpages, 0) + coalesce(toasted.pages, 0)) filter (where t.reltuples >= 0) * max(block.size))::float8 as table_size_bytes',
    '(sum(coalesce(indexes.pages, 0)) filter (where t.reltuples >= 0) * max(block.size))::float8 as index_size_bytes',
  ]
  return `${tablesWith(citus)},
  indexed as materialized (
    select x.indrelid, sum(pg_stat_get_numscans(x.indexrelid)) as scans, sum(pg_stat_get_tuples_fetched(x.indexrelid)) as fetched, sum(i.relpages::bigint) as pages
      from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid group by 1),
  counted as materialized (
    select t.target, sum(pg_stat_get_live_tuples(t.oid)) as weight, ${columns.join(',\n         ')}
      from tables t left join indexed indexes on indexes.indrelid = t.oid
      left join pg_catalog.pg_class toast on toast.oid = t.toast and t.toast <> 0 left join indexed toasted on toasted.indrelid = t.toast and t.toast <> 0
      cross join (select current_setting('block_size')::integer as size) block
     group by t.target)
  select current_database() as datname, n.nspname as schemaname, c.relname, u.*
    from counted u join pg_catalog.pg_class c on c.oid = u.target join pg_catalog.pg_namespace n on n.oid = c.relnamespace order by u.weight desc`
}

/** Statistics of each table of the database. */
export const tables = {
  name: 'postgres.tables',
  collector: 'stat_user_tables',
  help: 'Scans, rows, dead rows and vacuums of each table; shards count for their table.',
  interval: 60_000,
  sql: ({ role }) => sqlFor(role !== 'standalone'),
  inEvery: sqlFor(false),
  families: [
    ...families,
    gauge(
      'citus_sidecar_database_readable',
      'Whether tables of another database of CITUS_SIDECAR_DATABASES could be read.',
      'readable',
      ['datname'],
    ),
  ],
} as const satisfies Collection
