// The pools of a PgBouncer: clients and servers by what they do, and how long the first client has been waiting.
import { gauge } from '../collection.ts'
import type { Collection, Row } from '../collection.ts'

/** Columns of SHOW POOLS (https://www.pgbouncer.org/usage.html#show-pools), the names pgbouncer_exporter has for them, and what they count. */
const columns: readonly (readonly [column: string, name: string, help: string])[] = [
  ['cl_active', 'client_active_connections', 'Clients that have a server, or are idle.'],
  [
    'cl_active_cancel_req',
    'client_active_cancel_connections',
    'Clients whose request to cancel the server has been sent.',
  ],
  ['cl_waiting', 'client_waiting_connections', 'Clients that wait for a server.'],
  ['cl_waiting_cancel_req', 'client_waiting_cancel_connections', 'Clients whose request to cancel has not been sent.'],
  ['sv_active', 'server_active_connections', 'Servers that have a client.'],
  ['sv_active_cancel', 'server_active_cancel_connections', 'Servers that a request to cancel is being sent to.'],
  ['sv_being_canceled', 'server_being_canceled_connections', 'Servers that wait until requests to cancel are through.'],
  ['sv_idle', 'server_idle_connections', 'Servers that a client may have at once.'],
  ['sv_used', 'server_used_connections', 'Servers that were idle for so long that they are to be checked first.'],
  ['sv_tested', 'server_testing_connections', 'Servers that are being reset or checked.'],
  ['sv_login', 'server_login_connections', 'Servers that are being logged in to.'],
]
const labels = ['database', 'user']

/** The busiest first; how long the first client waits, in seconds with their fraction, which pgbouncer_exporter leaves out. */
function toRows(rows: readonly Row[]): readonly Row[] {
  const clients = (row: Row): number => Number(row['cl_waiting']) * 1e6 + Number(row['cl_active'])
  return rows
    .map((row) => ({ ...row, wait: Number(row['maxwait']) + Number(row['maxwait_us'] ?? 0) / 1e6 }))
    .toSorted((a, b) => clients(b) - clients(a))
}

/** Clients and servers of each pool. */
export const pools = {
  name: 'pgbouncer.pools',
  help: 'Clients and servers of each pool, and how long the first client has been waiting.',
  where: { pgbouncer: true },
  session: 'pgbouncer',
  interval: 15_000,
  sql: () => 'SHOW POOLS',
  toRows,
  families: [
    ...columns.map(([column, name, help]) => gauge(`pgbouncer_pools_${name}`, help, column, labels)),
    gauge(
      'pgbouncer_pools_client_maxwait_seconds',
      'How long the client that waits longest has been waiting.',
      'wait',
      labels,
      'max',
    ),
  ],
} as const satisfies Collection
