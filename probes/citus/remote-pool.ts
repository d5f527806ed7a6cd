// Connections of this node to others against their limit (https://docs.citusdata.com/en/stable/develop/api_guc.html#citus-max-shared-pool-size-integer).
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Connections to other nodes. */
export const remotePool = {
  name: 'citus.remote-pool',
  help: 'Connections of this node to others, and how many there may be.',
  interval: 15_000,
  where: { citus: true, primary: true },
  sql: () => `
  select c.hostname || ':' || c.port as peer, c.connection_count_to_node::float8 as connections, null::float8 as limit from citus_sidecar.remote_connections() c
  union all
  select null, null, s.limit from (select case when x.setting = 0 then current_setting('max_connections')::float8 when x.setting > 0 then x.setting end as limit
                                     from (select current_setting('citus.max_shared_pool_size', true)::float8 as setting) x) s
   order by 2 desc nulls last`,
  families: [
    gauge('citus_remote_connections', 'Connections of queries of this node to the other.', 'connections', ['peer']),
    gauge('citus_shared_pool_limit', 'How many it may have to each; none where there is no limit.', 'limit'),
  ],
} as const satisfies Collection
