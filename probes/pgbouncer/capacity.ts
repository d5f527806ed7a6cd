// How many connections each database of a PgBouncer may have and has, under the names of pgbouncer_exporter.
import { gauge } from '../collection.ts'
import type { Collection, Row } from '../collection.ts'
import { databasesCommand } from './databases.ts'

const labels = ['name', 'host', 'port', 'database', 'force_user', 'pool_mode']
const name = (rest: string): string => `pgbouncer_databases_${rest}`

function toRows(rows: readonly Row[]): readonly Row[] {
  return rows
    .map((row) => ({ ...row, reserve: row['reserve_pool_size'] ?? row['reserve_pool'] }))
    .toSorted((a: Row, b: Row) => Number(b['current_connections']) - Number(a['current_connections']))
}

/** Pool sizes and connections of each database (https://www.pgbouncer.org/usage.html#show-databases). */
export const capacity = {
  name: 'pgbouncer.capacity',
  help: 'Connections that each database may have and has, and whether it is paused or disabled.',
  where: { pgbouncer: true },
  session: 'pgbouncer',
  interval: 15_000,
  sql: () => databasesCommand,
  toRows,
  families: [
    gauge(name('pool_size'), 'Servers that one pool of the database may have.', 'pool_size', labels),
    gauge(name('reserve_pool'), 'Servers that it may have besides when clients wait.', 'reserve', labels),
    gauge(name('max_connections'), 'Servers that all its pools may have; 0: any number.', 'max_connections', labels),
    gauge(name('current_connections'), 'Servers that they have.', 'current_connections', labels),
    gauge(name('paused'), 'Whether the database is paused.', 'paused', labels, 'max'),
    gauge(name('disabled'), 'Whether the database is disabled.', 'disabled', labels, 'max'),
  ],
} as const satisfies Collection
