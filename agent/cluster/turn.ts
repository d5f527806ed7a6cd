// Sidecars take turns at changing the cluster's metadata: one call at a time in the whole cluster.
import type { Config } from '../config.ts'
import type { Sql } from '../../probes/sql.ts'

/** Advisory lock of the turn, on the coordinator; any two numbers that nobody else uses. */
const turnLock = [1_668_510_577, 1] as const

/** Gives a session the limits of calls that change metadata, which take longer than any other. */
export async function beLong(sql: Sql, config: Config): Promise<void> {
  await sql.query(
    `select pg_catalog.set_config('lock_timeout', $1, false), pg_catalog.set_config('statement_timeout', $2, false)`,
    [`${config.registrationLockTimeout}ms`, `${config.registrationTimeout}ms`],
  )
}

/** Waits for the turn, which ends with the session. @throws SQLSTATE 55P03 when another sidecar keeps it for too long. */
export async function takeTurn(sql: Sql, config: Config): Promise<void> {
  await beLong(sql, config)
  await sql.query('select pg_catalog.pg_advisory_lock($1, $2)', turnLock)
}
