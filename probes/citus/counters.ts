// What Citus counts of its connections and queries. The numbers begin anew when the server does, which rate() expects of a counter.
import { counter, gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Counters of Citus, where citus.enable_stat_counters is on. */
export const counters = {
  name: 'citus.counters',
  help: 'What Citus counts of its connections and queries, where citus.enable_stat_counters is on.',
  interval: 15_000,
  where: { citus: '13.1' },
  sql: () => `
  select kind, c.connection_establishment_succeeded::float8 as established, c.connection_establishment_failed::float8 as failed, c.connection_reused::float8 as reused,
         case kind when 'single_shard' then c.query_execution_single_shard else c.query_execution_multi_shard end::float8 as queries, extract(epoch from c.stats_reset)::float8 as reset
    from pg_catalog.citus_stat_counters((select d.oid from pg_catalog.pg_database d where d.datname = current_database())) c, unnest(array['single_shard', 'multi_shard']) kind
   where current_setting('citus.enable_stat_counters', true)::boolean`,
  families: [
    counter('citus_connections_established_total', 'Connections to other nodes that were made.', 'established'),
    counter('citus_connections_failed_total', 'Connections to other nodes that could not be made.', 'failed'),
    counter('citus_connections_reused_total', 'Connections to other nodes that were used again.', 'reused'),
    counter('citus_queries_total', 'Distributed queries by whether they were of one shard or of several.', 'queries', [
      'kind',
    ]),
    gauge('citus_counters_reset_timestamp_seconds', 'When a person last set these numbers to 0.', 'reset'),
  ],
} as const satisfies Collection
