// Who keeps dead rows from being removed (https://www.postgresql.org/docs/current/routine-vacuuming.html): sessions, prepared transactions,
// slots, and standbys with hot_standby_feedback.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** The oldest transaction that somebody may still want to see. */
export const horizon = {
  name: 'postgres.horizon',
  help: 'Who keeps dead rows from being removed, and since how many transactions.',
  interval: 30_000,
  where: { primary: true },
  sql: () => `
  select holder, max(age)::float8 as age from (
    select 'session' as holder, age(backend_xmin) as age from pg_catalog.pg_stat_activity where backend_xmin is not null and backend_type <> 'walsender' and pid <> pg_backend_pid()
    union all select 'standby', age(backend_xmin) from pg_catalog.pg_stat_replication where backend_xmin is not null
    union all select 'prepared', age(transaction) from pg_catalog.pg_prepared_xacts
    union all select 'slot', age(xmin) from pg_catalog.pg_replication_slots where xmin is not null
    union all select 'slot-catalog', age(catalog_xmin) from pg_catalog.pg_replication_slots where catalog_xmin is not null) held
   group by holder order by 2 desc`,
  families: [
    gauge(
      'citus_sidecar_xmin_age',
      'Transactions since the oldest that a holder of this kind may still want to see.',
      'age',
      ['holder'],
      'max',
    ),
  ],
} as const satisfies Collection
