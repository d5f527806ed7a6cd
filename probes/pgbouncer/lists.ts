// How many of each thing a PgBouncer has, and how many it may have, under the names of pgbouncer_exporter.
import { gauge } from '../collection.ts'
import type { Collection, Row } from '../collection.ts'
import { configCommand } from './limits.ts'

/** One row of what was a row each. */
function pivot(rows: readonly Row[], key: string, value: string): readonly Row[] {
  return [Object.fromEntries(rows.map((row) => [row[key], row[value]]))]
}

/** What there is, by kind (https://www.pgbouncer.org/usage.html#show-lists). */
export const lists = {
  name: 'pgbouncer.lists',
  help: 'Clients, servers, pools, databases and cached names of PgBouncer.',
  where: { pgbouncer: true },
  session: 'pgbouncer',
  interval: 15_000,
  sql: () => 'SHOW LISTS',
  toRows: (rows) => pivot(rows, 'list', 'items'),
  families: [
    gauge('pgbouncer_databases', 'Databases.', 'databases'),
    gauge('pgbouncer_users', 'Users.', 'users'),
    gauge('pgbouncer_pools', 'Pools.', 'pools'),
    gauge('pgbouncer_free_clients', 'Places for clients that are kept and free.', 'free_clients'),
    gauge('pgbouncer_used_clients', 'Clients.', 'used_clients'),
    gauge('pgbouncer_login_clients', 'Clients that are logging in.', 'login_clients'),
    gauge('pgbouncer_free_servers', 'Places for servers that are kept and free.', 'free_servers'),
    gauge('pgbouncer_used_servers', 'Servers.', 'used_servers'),
    gauge('pgbouncer_cached_dns_names', 'Names whose address is remembered.', 'dns_names'),
    gauge('pgbouncer_cached_dns_zones', 'DNS zones whose serial number is remembered.', 'dns_zones'),
    gauge('pgbouncer_in_flight_dns_queries', 'Names that are being looked up.', 'dns_queries'),
  ],
} as const satisfies Collection

/** What there may be. */
export const config = {
  name: 'pgbouncer.config',
  help: 'How many clients and servers PgBouncer may have in all.',
  where: { pgbouncer: true },
  session: 'pgbouncer',
  interval: 60_000,
  sql: () => configCommand,
  toRows: (rows) => pivot(rows, 'key', 'value'),
  families: [
    gauge('pgbouncer_config_max_client_connections', 'Clients that PgBouncer accepts.', 'max_client_conn'),
    gauge(
      'pgbouncer_config_max_user_connections',
      'Servers that one user may have; 0: any number.',
      'max_user_connections',
    ),
  ],
} as const satisfies Collection
