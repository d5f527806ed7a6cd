// How near each database is to the end of its transaction ids, and limits of connections.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

const labels = ['datname']

/** Wraparound and connection limits by database. */
export const databaseLimits = {
  name: 'postgres.database-limits',
  collector: 'database_wraparound',
  help: 'How near each database is to the end of its transaction ids, and how many connections it may have.',
  interval: 60_000,
  sql: () => `
  select d.datname, d.datconnlimit as connections, case when d.datallowconn then age(d.datfrozenxid) end as xid, case when d.datallowconn then mxid_age(d.datminmxid) end as mxid,
         (age(d.datfrozenxid) / 2147483648.0)::float8 as used, (mxid_age(d.datminmxid) / 2147483648.0)::float8 as mxid_used,
         (age(d.datfrozenxid) / current_setting('autovacuum_freeze_max_age')::float8)::float8 as forced
    from pg_catalog.pg_database d order by age(d.datfrozenxid) desc`,
  families: [
    gauge(
      'pg_database_wraparound_age_datfrozenxid_seconds',
      'Transactions, not seconds, since the oldest that is not frozen.',
      'xid',
      labels,
      'max',
    ),
    gauge(
      'pg_database_wraparound_age_datminmxid_seconds',
      'Multixacts, not seconds, since the oldest.',
      'mxid',
      labels,
      'max',
    ),
    gauge('pg_database_connection_limit', 'Connections it may have; -1: no limit.', 'connections', labels, 'min'),
    gauge(
      'citus_sidecar_database_xid_used_ratio',
      'Transaction ids used up since the oldest that is not frozen; at 1 the database accepts no more writes.',
      'used',
      labels,
      'max',
    ),
    gauge('citus_sidecar_database_multixact_used_ratio', 'The same of multixacts.', 'mxid_used', labels, 'max'),
    gauge(
      'citus_sidecar_database_freeze_age_ratio',
      'Age of the oldest transaction id by autovacuum_freeze_max_age; above 1 autovacuum freezes whether it is on or not.',
      'forced',
      labels,
      'max',
    ),
  ],
} as const satisfies Collection
