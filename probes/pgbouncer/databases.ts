// The databases of a PgBouncer: where each leads and whether it is paused.
import type { Probe, ProbeLimits } from '../probe.ts'

/** One line of [databases]. */
export interface PooledDatabase {
  readonly name: string
  /** Where it leads; null for a local socket. */
  readonly host: string | null
  readonly port: number
  readonly paused: boolean
  /** Its own pool mode; null where it has that of the settings. */
  readonly poolMode: string | null
}

/** A row of SHOW DATABASES (https://www.pgbouncer.org/usage.html#show-databases); other columns vary with the version. */
export interface DatabaseRow {
  readonly name: string
  readonly host: string | null
  readonly port: number | string
  readonly paused: number | string
  readonly pool_mode?: string | null
}

export const databasesCommand = 'SHOW DATABASES'

/** Rows as databases, without the admin console itself. */
export function toDatabases(rows: readonly DatabaseRow[]): readonly PooledDatabase[] {
  return rows
    .filter(({ name }) => name !== 'pgbouncer')
    .map(({ name, host, port, paused, pool_mode }) => ({
      name,
      host,
      port: Number(port),
      paused: Number(paused) !== 0,
      poolMode: pool_mode ?? null,
    }))
}

/** Where each database leads and whether it is paused. */
export function pooledDatabases(limits: ProbeLimits): Probe<'pgbouncer.databases'> {
  return {
    name: 'pgbouncer.databases',
    help: 'Databases of PgBouncer: where each leads and whether it is paused.',
    session: 'pgbouncer',
    interval: 2_000,
    timeout: limits.statementTimeout,
    skip: () => undefined,
    read: async (context) => toDatabases(await context.sql.query<DatabaseRow>(databasesCommand)),
  }
}
