// Sessions by what they are to Citus: who began a query, who works for another node, who keeps the cluster going.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

const labels = ['origin', 'state']

// https://github.com/citusdata/citus/blob/main/src/include/distributed/backend_data.h: what Citus calls its own connections
/** Sessions of clients by origin and state. */
export const backends = {
  name: 'citus.backends',
  help: 'Sessions by what they are to Citus, and their oldest transactions.',
  interval: 15_000,
  where: { citus: true },
  sql: () => `
  with sessions as (
    select case when a.application_name like 'citus-sidecar/%' then 'sidecar'
                when a.application_name ~ '^(Citus Maintenance Daemon|citus_rebalancer|Citus Background Task)' or a.backend_type like 'Citus%' then 'maintenance'
                when a.application_name ~ '^citus_(internal|run_command)( |$)' then 'citus_internal'
                else 'initiator' end as origin,
           case when a.state in ('active', 'idle', 'idle in transaction') then a.state when a.state is null then 'none' else 'other' end as state, a.xact_start
      from pg_catalog.pg_stat_activity a
     where a.datname = current_database() and a.pid <> pg_backend_pid() and (a.backend_type in ('client backend') or a.backend_type like 'Citus%'))
  select s.origin, s.state, count(*)::float8 as count, extract(epoch from min(s.xact_start))::float8 as oldest from sessions s group by 1, 2 order by 3 desc`,
  families: [
    gauge(
      'citus_backends',
      'Sessions of this origin: initiator of queries, citus_internal of another node, maintenance, sidecar.',
      'count',
      labels,
    ),
    gauge(
      'citus_backends_oldest_transaction_timestamp_seconds',
      'When the oldest of their transactions began.',
      'oldest',
      labels,
      'min',
    ),
  ],
} as const satisfies Collection
