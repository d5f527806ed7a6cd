// How many locks of each mode are held or waited for, under the name of postgres_exporter.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Every mode of https://www.postgresql.org/docs/current/explicit-locking.html, and that of serializable reads. */
const modes = [
  'accesssharelock',
  'rowsharelock',
  'rowexclusivelock',
  'shareupdateexclusivelock',
  'sharelock',
  'sharerowexclusivelock',
  'exclusivelock',
  'accessexclusivelock',
  'sireadlock',
]

// Zeros are told, as alerts on a mode that is rare expect.
const sql = `
  select d.datname, m.mode, count(l.pid)::float8 as count
    from unnest(array['${modes.join("', '")}']) m(mode) cross join pg_catalog.pg_database d
    left join pg_catalog.pg_locks l on l.database = d.oid and lower(l.mode) = m.mode
   group by 1, 2`

/** Locks by database and mode. */
export const locks = {
  name: 'postgres.locks',
  collector: 'locks',
  help: 'Locks by database and mode.',
  interval: 15_000,
  sql: () => sql,
  families: [gauge('pg_locks_count', 'Locks of this mode, held or waited for.', 'count', ['datname', 'mode'])],
} as const satisfies Collection
