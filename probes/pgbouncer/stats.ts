// What a PgBouncer counts for each database, under the names of pgbouncer_exporter.
import { counter } from '../collection.ts'
import type { Collection, Row } from '../collection.ts'

/** Columns of SHOW STATS_TOTALS (https://www.pgbouncer.org/usage.html#show-stats_totals); older versions lack the last ones. */
const counts: readonly (readonly [column: string, name: string, help: string])[] = [
  ['query_count', 'queries_pooled_total', 'Queries.'],
  ['xact_count', 'sql_transactions_pooled_total', 'Transactions.'],
  ['bytes_received', 'received_bytes_total', 'Bytes received from clients and servers.'],
  ['bytes_sent', 'sent_bytes_total', 'Bytes sent to them.'],
  ['client_parse_count', 'client_parses_total', 'Prepared statements that clients made.'],
  ['server_parse_count', 'server_parses_total', 'Prepared statements that were made in servers.'],
  ['bind_count', 'binds_total', 'Prepared statements that were run.'],
  ['server_assignment_count', 'server_assignments_total', 'Times that a client was given a server.'],
]
/** Columns that have microseconds. */
const times: readonly (readonly [column: string, name: string, help: string])[] = [
  ['query_time', 'queries_duration_seconds_total', 'Time that servers were busy with queries.'],
  ['xact_time', 'server_in_transaction_seconds_total', 'Time that servers were in a transaction, idle in it or not.'],
  ['wait_time', 'client_wait_seconds_total', 'Time that clients waited for a server.'],
]
const labels = ['database']

function toRows(rows: readonly Row[]): readonly Row[] {
  const seconds = (row: Row): Row =>
    Object.fromEntries(times.flatMap(([column]) => (row[column] == null ? [] : [[column, Number(row[column]) / 1e6]])))
  return rows
    .map((row) => ({ ...row, ...seconds(row) }))
    .toSorted((a: Row, b: Row) => Number(b['query_count']) - Number(a['query_count']))
}

/** Queries, transactions, traffic and waits of each database. */
export const stats = {
  name: 'pgbouncer.stats',
  help: 'What PgBouncer counts for each database: queries, transactions, traffic, time spent and waited.',
  where: { pgbouncer: true },
  session: 'pgbouncer',
  interval: 15_000,
  sql: () => 'SHOW STATS_TOTALS',
  toRows,
  families: [...counts, ...times].map(([column, name, help]) =>
    counter(`pgbouncer_stats_totals_${name}`, help, column, labels),
  ),
} as const satisfies Collection
