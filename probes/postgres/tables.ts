// Statistics of tables under the names of postgres_exporter, true on a worker, too: shards count for the table that they are of.
import { counter, gauge } from '../collection.ts'
import type { Collection, FamilySpec } from '../collection.ts'
import { tablesWith } from './table-relations.ts'

const labels = ['datname', 'schemaname', 'relname']

interface Column {
  readonly name: string
  readonly help: string
  readonly make: (name: string, help: string, value: string, labels: readonly string[]) => FamilySpec
  /** Over all relations of a table. */
  readonly sql: string
}

const statistic = (of: string): string => `pg_catalog.pg_stat_get_${of}(t.oid)`
const counted = (name: string, sql: string, help: string): Column => ({
  name,
  help,
  make: counter,
  sql: `sum(${sql})::float8`,
})
const estimated = (name: string, sql: string, help: string): Column => ({ ...counted(name, sql, help), make: gauge })
/** Of several relations the one that was longest ago, 0 where that was never: one shard nobody vacuums is the news. */
const lastTime = (name: string, help: string): Column => ({
  name,
  help,
  make: (family, text, value, own) => gauge(family, text, value, own, 'min'),
  sql: `min(coalesce(extract(epoch from ${statistic(`${name}_time`)}), 0))::float8`,
})
/** Sizes without opening anything: what the last vacuum or analyze saw, and nothing of a table that none has seen. */
const sizeOf = (name: string, pages: string, help: string): Column => ({
  name,
  help,
  make: gauge,
  sql: `(sum(${pages}) filter (where t.reltuples >= 0) * max(block.size))::float8`,
})

const columns: readonly Column[] = [
  counted('seq_scan', statistic('numscans'), 'Sequential scans.'),
  counted('seq_tup_read', statistic('tuples_returned'), 'Live rows that sequential scans fetched.'),
  counted('idx_scan', 'coalesce(indexes.scans, 0)', 'Index scans.'),
  counted(
    'idx_tup_fetch',
    `coalesce(indexes.fetched, 0) + ${statistic('tuples_fetched')}`,
    'Live rows that index scans fetched.',
  ),
  counted('n_tup_ins', statistic('tuples_inserted'), 'Rows inserted.'),
  counted('n_tup_upd', statistic('tuples_updated'), 'Rows updated.'),
  counted('n_tup_del', statistic('tuples_deleted'), 'Rows deleted.'),
  counted('n_tup_hot_upd', statistic('tuples_hot_updated'), 'Rows updated without a new index entry.'),
  estimated('n_live_tup', statistic('live_tuples'), 'Live rows, estimated.'),
  estimated('n_dead_tup', statistic('dead_tuples'), 'Dead rows, estimated.'),
  estimated('n_mod_since_analyze', statistic('mod_since_analyze'), 'Rows changed since the last analyze, estimated.'),
  counted('vacuum_count', statistic('vacuum_count'), 'Vacuums by hand.'),
  counted('autovacuum_count', statistic('autovacuum_count'), 'Vacuums by autovacuum.'),
  counted('analyze_count', statistic('analyze_count'), 'Analyzes by hand.'),
  counted('autoanalyze_count', statistic('autoanalyze_count'), 'Analyzes by autovacuum.'),
  lastTime(
    'last_vacuum',
    'Last vacuum by hand, in seconds since 1970; 0: never. Of several shards the one that was longest ago.',
  ),
  lastTime('last_autovacuum', 'Last vacuum by autovacuum, likewise.'),
  lastTime('last_analyze', 'Last analyze by hand, likewise.'),
  lastTime('last_autoanalyze', 'Last analyze by autovacuum, likewise.'),
  sizeOf(
    'table_size_bytes',
    't.relpages::bigint + coalesce(toast.relpages, 0) + coalesce(toasted.pages, 0)',
    'Size of the table with its TOAST table, as of their last vacuum or analyze.',
  ),
  sizeOf('index_size_bytes', 'coalesce(indexes.pages, 0)', 'Size of its indexes, likewise.'),
]

function sqlFor(citus: boolean): string {
  return `${tablesWith(citus)},
  indexed as materialized (
    select x.indrelid, sum(pg_stat_get_numscans(x.indexrelid)) as scans, sum(pg_stat_get_tuples_fetched(x.indexrelid)) as fetched, sum(i.relpages::bigint) as pages
      from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid group by 1),
  counted as materialized (
    select t.target, sum(pg_stat_get_live_tuples(t.oid)) as weight, ${columns.map(({ name, sql }) => `${sql} as ${name}`).join(',\n         ')}
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
    ...columns.map(({ name, help, make }) => make(`pg_stat_user_tables_${name}`, help, name, labels)),
    gauge(
      'citus_sidecar_database_readable',
      'Whether tables of another database of CITUS_SIDECAR_DATABASES could be read.',
      'readable',
      ['datname'],
    ),
  ],
} as const satisfies Collection
