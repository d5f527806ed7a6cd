// What sessions do to each other: who is blocked, who has held a transaction open for long, who keeps old rows from being removed.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Blocked sessions and old transactions. */
export const sessions = {
  name: 'postgres.sessions',
  collector: 'long_running_transactions',
  help: 'Blocked sessions, and the oldest transactions.',
  interval: 15_000,
  sql: () => `
  with a as (select * from pg_catalog.pg_stat_activity where pid <> pg_backend_pid())
  select (select count(*) from a where wait_event_type = 'Lock')::float8 as blocked,
         (select extract(epoch from min(case when wait_event_type = 'Lock' then query_start end)) from a)::float8 as blocked_since,
         (select extract(epoch from min(xact_start)) from a where backend_type = 'client backend')::float8 as oldest,
         (select extract(epoch from min(state_change)) from a where state like 'idle in transaction%')::float8 as idle_since,
         (select extract(epoch from min(query_start)) from a where state = 'active' and backend_type = 'client backend')::float8 as query_since,
         (select count(*) from a where state is distinct from 'idle' and query not like 'autovacuum:%' and xact_start is not null)::float8 as open,
         (select extract(epoch from clock_timestamp() - min(xact_start)) from a where state is distinct from 'idle' and query not like 'autovacuum:%')::float8 as open_age,
         (select count(*) from pg_catalog.pg_prepared_xacts)::float8 as prepared,
         (select extract(epoch from min(prepared)) from pg_catalog.pg_prepared_xacts)::float8 as prepared_since`,
  families: [
    gauge(
      'pg_long_running_transactions',
      'Transactions that are open, of any age and whoever has them but autovacuum.',
      'open',
    ),
    gauge(
      'pg_long_running_transactions_oldest_timestamp_seconds',
      'Age of the oldest of these, in seconds.',
      'open_age',
    ),
    gauge('citus_sidecar_blocked_sessions', 'Sessions that wait for a lock.', 'blocked'),
    gauge(
      'citus_sidecar_blocked_since_timestamp_seconds',
      'When the oldest query that waits for a lock began.',
      'blocked_since',
    ),
    gauge(
      'citus_sidecar_oldest_transaction_timestamp_seconds',
      'When the oldest transaction of a client began.',
      'oldest',
    ),
    gauge(
      'citus_sidecar_oldest_query_timestamp_seconds',
      'When the query of a client that runs longest began.',
      'query_since',
    ),
    gauge(
      'citus_sidecar_idle_in_transaction_since_timestamp_seconds',
      'Since when a session has been idle with its transaction open.',
      'idle_since',
    ),
    gauge('citus_sidecar_prepared_transactions', 'Prepared transactions of all databases.', 'prepared'),
    gauge(
      'citus_sidecar_oldest_prepared_transaction_timestamp_seconds',
      'When the oldest of these was prepared.',
      'prepared_since',
    ),
  ],
} as const satisfies Collection
