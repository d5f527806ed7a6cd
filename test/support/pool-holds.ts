// What tests of pool holds ask again and again: a hold in the ledger, its answers, whether PgBouncer is paused.
import { randomUUID } from 'node:crypto'
import { readHold, releaseHold, requestHold } from '../../agent/hold/hold-ledger.ts'
import type { Hold } from '../../agent/hold/hold-ledger.ts'
import { toDatabases } from '../../probes/pgbouncer/databases.ts'
import type { DatabaseRow } from '../../probes/pgbouncer/databases.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import { hasPgBouncer } from '../../deploy/local/pgbouncer-process.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
import { Client } from 'pg'
import type { Sql } from '../../probes/sql.ts'

/** Long enough for a busy machine, milliseconds. */
export const patience = 30_000

/** Why nothing can be held here; false where it can. */
export const withoutPgBouncer = hasPgBouncer() ? false : 'the program pgbouncer is not installed'

/** The ledger, asked as the superuser. */
export function ledgerOf(cluster: LocalCluster): Sql {
  const { postgres } = cluster.coordinator
  return {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      await postgres.query<Row & Record<string, unknown>>(text, [...values]),
  }
}

/** Opens a pool hold for the first worker, or the coordinator where there is none. */
export async function openPoolHold(cluster: LocalCluster, seconds = 30): Promise<string> {
  const id = randomUUID()
  const member = cluster.workers[0]?.name ?? 'coordinator'
  await requestHold(ledgerOf(cluster), { id, member, kinds: ['pool'], seconds })
  return id
}

export async function release(cluster: LocalCluster, id: string): Promise<void> {
  await releaseHold(ledgerOf(cluster), id, 'the test is through')
}

/** Waits until a pooler has said this of the hold. */
export async function answered(
  cluster: LocalCluster,
  id: string,
  pooler: LocalPooler,
  state: Hold['answers'][number]['state'],
): Promise<string> {
  const answer = await eventually(
    `${pooler.name} answers ${state}`,
    async () => {
      const hold = await readHold(ledgerOf(cluster), id)
      return hold?.answers.find((one) => one.holder === pooler.name && one.state === state)
    },
    { deadline: patience, context: () => logTail(pooler.sidecar.logFile) },
  )
  return answer.reason
}

/** One command in the admin console. */
export async function inConsole<Row extends object>(
  cluster: LocalCluster,
  pooler: LocalPooler,
  command: string,
): Promise<readonly Row[]> {
  const client = new Client({
    host: pooler.adminSocketDir,
    port: pooler.port,
    user: 'citus_sidecar',
    password: cluster.passwords.citus_sidecar,
    database: 'pgbouncer',
    ssl: false,
  })
  await client.connect()
  try {
    return (await client.query<Row & Record<string, unknown>>(command)).rows
  } finally {
    await client.end()
  }
}

/** Whether the pooler's PgBouncer is paused now. */
export async function isPaused(cluster: LocalCluster, pooler: LocalPooler): Promise<boolean> {
  const rows = await inConsole<DatabaseRow>(cluster, pooler, 'SHOW DATABASES')
  return toDatabases(rows).some(({ paused }) => paused)
}

/** Waits until it is, or no longer is, paused. */
export async function untilPaused(cluster: LocalCluster, pooler: LocalPooler, wanted: boolean): Promise<void> {
  await eventually(
    `${pooler.name} is ${wanted ? '' : 'no longer '}paused`,
    async () => (await isPaused(cluster, pooler)) === wanted,
    { deadline: patience, context: () => logTail(pooler.sidecar.logFile) },
  )
}
