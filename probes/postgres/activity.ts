// Who is connected and what they do, as postgres_exporter counts it, with the names of applications folded: Citus gives each of its
// connections a name of its own.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

const labels = ['datname', 'state', 'usename', 'application_name', 'backend_type', 'wait_event_type', 'wait_event']

/** Names of applications kept as they are, those with the most sessions; the rest is `other`. */
const names = 20

// https://github.com/citusdata/citus/blob/main/src/include/distributed/backend_data.h: what Citus calls its own connections
const sql = `
  with sessions as (
    select a.*, case when a.application_name ~ '^citus_(internal|rebalancer|run_command)( |$)' then split_part(a.application_name, ' ', 1)
                     when a.application_name like 'citus-sidecar/%' then 'citus-sidecar'
                     else a.application_name end as name
      from pg_catalog.pg_stat_activity a where a.pid <> pg_catalog.pg_backend_pid() and a.datname is not null),
  frequent as (select name from sessions group by name order by count(*) desc, name limit ${names})
  select s.datname, coalesce(s.state, '') as state, s.usename, case when f.name is null then 'other' else s.name end as application_name,
         s.backend_type, s.wait_event_type, s.wait_event, count(*)::float8 as count,
         coalesce(max(extract(epoch from now() - s.xact_start)), 0)::float8 as max_tx_duration
    from sessions s left join frequent f on f.name = s.name
   group by 1, 2, 3, 4, 5, 6, 7 order by count(*) desc`

/** Sessions by state, application and what they wait for. */
export const activity = {
  name: 'postgres.activity',
  collector: 'stat_activity',
  help: 'Sessions by database, state, user, application and wait event, and their longest transaction.',
  interval: 15_000,
  sql: () => sql,
  families: [
    gauge('pg_stat_activity_count', 'Sessions in this state.', 'count', labels),
    gauge(
      'pg_stat_activity_max_tx_duration',
      'Age of the oldest transaction of these sessions, in seconds.',
      'max_tx_duration',
      labels,
    ),
  ],
} as const satisfies Collection
