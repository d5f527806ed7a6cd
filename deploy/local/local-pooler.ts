// One pooler of a local cluster: its PgBouncer, its sidecar and where both are.

import { join } from 'node:path'
import * as z from 'zod'
import type { ClusterRecord } from './cluster-record.ts'
import { PgBouncer } from './pgbouncer-process.ts'
import { SidecarProcess } from './sidecar-process.ts'

const environment = z.record(z.string(), z.string())

/** One pooler as planned and as recorded in cluster.json. */
export const poolerPlan = z.object({
  name: z.string(),
  port: z.int(),
  httpPort: z.int(),
  /** Settings of its sidecar, and of its PgBouncer, on top of the planned ones. */
  env: environment,
  settings: environment,
})

export type PoolerPlan = z.infer<typeof poolerPlan>

/** A PgBouncer with the sidecar beside it. */
export interface LocalPooler {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly adminSocketDir: string
  /** Where its sidecar's HTTP port is. */
  readonly url: string
  readonly controlSocket: string
  readonly runDir: string
  readonly passwordFile: string
  /** The settings of its sidecar. */
  readonly env: Readonly<Record<string, string>>
  readonly pgbouncer: PgBouncer
  readonly sidecar: SidecarProcess
}

/** Names of the poolers of a cluster. */
export function poolerNames(poolers: number): string[] {
  return Array.from({ length: poolers }, (_, index) => `pooler-${index + 1}`)
}

/** The pooler that a plan and the cluster's record describe; starts nothing. */
export function describePooler(plan: PoolerPlan, record: ClusterRecord): LocalPooler {
  const folder = join(record.ground, plan.name)
  const runDir = join(folder, 'run')
  const passwordFile = join(folder, 'sidecar-password')
  const controlSocket = join(runDir, 'control.sock')
  const { user, passwords, database, nodes } = record
  const coordinators = nodes.filter(({ role }) => role === 'coordinator').map(({ pgPort }) => pgPort)
  const server = { host: 'localhost', port: coordinators[0] ?? 0, database }
  const { name, port, httpPort, settings } = plan
  const pgbouncer = new PgBouncer({ name, folder, port, server, passwords, user, settings })
  const env = {
    CITUS_SIDECAR_ROLE: 'pooler',
    CITUS_SIDECAR_NODE: name,
    CITUS_SIDECAR_ADDRESS: `localhost:${port}`,
    CITUS_SIDECAR_COORDINATOR: coordinators.map((one) => `localhost:${one}`).join(','),
    CITUS_SIDECAR_HTTP_ADDRESS: '127.0.0.1',
    CITUS_SIDECAR_HTTP_PORT: String(httpPort),
    CITUS_SIDECAR_RUN_DIR: runDir,
    CITUS_SIDECAR_PASSWORD_FILE: passwordFile,
    CITUS_SIDECAR_PGBOUNCER_HOST: pgbouncer.socketDir,
    CITUS_SIDECAR_PGBOUNCER_PORT: String(port),
    PGUSER: 'citus_sidecar',
    PGDATABASE: database,
    ...plan.env,
  }
  const sidecar = new SidecarProcess({ name, folder, agent: record.agent, httpPort, controlSocket, env })
  return {
    name,
    host: pgbouncer.host,
    port,
    adminSocketDir: pgbouncer.socketDir,
    url: sidecar.url,
    controlSocket,
    runDir,
    passwordFile,
    env,
    pgbouncer,
    sidecar,
  }
}
