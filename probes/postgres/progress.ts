// Vacuums and index builds that go on. postgres_exporter has the first under these names; since PostgreSQL 17 the room for dead rows is
// counted in bytes, which it tells under the names of rows: those have no sample there.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

const table = ['datname', 'relname']
/** https://www.postgresql.org/docs/17/progress-reporting.html */
const inBytes = 170_000

const phases = [
  'initializing',
  'scanning heap',
  'vacuuming indexes',
  'vacuuming heap',
  'cleaning up indexes',
  'truncating heap',
  'performing final cleanup',
]

/** Vacuums that go on. */
export const vacuums = {
  name: 'postgres.vacuums',
  collector: 'stat_progress_vacuum',
  help: 'Vacuums that go on, and how far they are.',
  interval: 15_000,
  sql: ({ version = 0 }) => `
  with going as (
    select coalesce(c.relname, v.relid::text) as relname, v.*
      from pg_catalog.pg_stat_progress_vacuum v left join pg_catalog.pg_class c on c.oid = v.relid and v.datname = current_database())
  select g.datname, g.relname, null as phase, null::integer as now, g.heap_blks_total::float8 as total, g.heap_blks_scanned::float8 as scanned,
         g.heap_blks_vacuumed::float8 as vacuumed, g.index_vacuum_count::float8 as cycles,
         ${version < inBytes ? 'g.max_dead_tuples::float8 as room, g.num_dead_tuples::float8 as dead, null::float8 as room_bytes, null::float8 as dead_bytes' : 'null::float8 as room, null::float8 as dead, g.max_dead_tuple_bytes::float8 as room_bytes, g.dead_tuple_bytes::float8 as dead_bytes'}
    from going g
  union all
  select g.datname, g.relname, p.phase, (p.phase = g.phase)::integer, null, null, null, null, null, null, null, null
    from going g cross join unnest(array['${phases.join("', '")}']) p(phase)`,
  families: [
    gauge('pg_stat_progress_vacuum_phase', 'Whether the vacuum is in this phase.', 'now', [...table, 'phase']),
    gauge('pg_stat_progress_vacuum_heap_blks', 'Blocks of the table.', 'total', table),
    gauge('pg_stat_progress_vacuum_heap_blks_scanned', 'Blocks scanned so far.', 'scanned', table),
    gauge('pg_stat_progress_vacuum_heap_blks_vacuumed', 'Blocks vacuumed so far.', 'vacuumed', table),
    gauge('pg_stat_progress_vacuum_index_vacuums', 'Rounds over the indexes so far.', 'cycles', table),
    gauge(
      'pg_stat_progress_vacuum_max_dead_tuples',
      'Dead rows that one round has room for; before PostgreSQL 17.',
      'room',
      table,
    ),
    gauge(
      'pg_stat_progress_vacuum_num_dead_tuples',
      'Dead rows found since the last round; before PostgreSQL 17.',
      'dead',
      table,
    ),
    gauge(
      'citus_sidecar_vacuum_dead_rows_room_bytes',
      'Room for dead rows of one round; since PostgreSQL 17.',
      'room_bytes',
      table,
    ),
    gauge(
      'citus_sidecar_vacuum_dead_rows_bytes',
      'Room taken since the last round; since PostgreSQL 17.',
      'dead_bytes',
      table,
    ),
  ],
} as const satisfies Collection

/** Index builds that go on. */
export const indexBuilds = {
  name: 'postgres.index-builds',
  help: 'Index builds that go on, and how far they are.',
  interval: 15_000,
  sql: () => `
  select coalesce(c.relname, p.relid::text) as table, coalesce(i.relname, '') as index, p.phase, 1 as going, p.blocks_total::float8 as total, p.blocks_done::float8 as done,
         p.lockers_total::float8 as lockers, p.lockers_done::float8 as lockers_done
    from pg_catalog.pg_stat_progress_create_index p left join pg_catalog.pg_class c on c.oid = p.relid left join pg_catalog.pg_class i on i.oid = p.index_relid
   where p.datname = current_database()`,
  families: [
    gauge('citus_sidecar_index_build_phase', 'An index that is being built is in this phase; always 1.', 'going', [
      'table',
      'index',
      'phase',
    ]),
    gauge('citus_sidecar_index_build_blocks', 'Blocks of the phase.', 'total', ['table', 'index']),
    gauge('citus_sidecar_index_build_blocks_done', 'Blocks of the phase that are done.', 'done', ['table', 'index']),
    gauge('citus_sidecar_index_build_lockers', 'Transactions that it waits for in this phase.', 'lockers', [
      'table',
      'index',
    ]),
    gauge('citus_sidecar_index_build_lockers_done', 'Those of them that have ended.', 'lockers_done', [
      'table',
      'index',
    ]),
  ],
} as const satisfies Collection
