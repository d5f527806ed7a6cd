// One node of a local cluster: its server, its sidecar and where both are.

import { join } from 'node:path'
import { runAgentCommand } from './agent-command.ts'
import { type NodePlan, sidecarEnvironment } from './cluster-plan.ts'
import type { ClusterRecord } from './cluster-record.ts'
import { PostgresServer } from './postgres-server.ts'
import type { ProgramResult } from './run-program.ts'
import { SidecarProcess } from './sidecar-process.ts'

/** A PostgreSQL with the sidecar beside it. */
export interface LocalNode {
  readonly name: string
  readonly role: 'coordinator' | 'worker'
  /** Name of its primary, where this is a standby. */
  readonly standbyOf: string | undefined
  readonly host: string
  readonly pgPort: number
  readonly socketDir: string
  readonly dataDir: string
  /** Where its sidecar's HTTP port is. */
  readonly url: string
  readonly controlSocket: string
  readonly runDir: string
  /** File with the password of the role citus_sidecar. */
  readonly passwordFile: string
  /** The settings of its sidecar. */
  readonly env: Readonly<Record<string, string>>
  readonly postgres: PostgresServer
  readonly sidecar: SidecarProcess
  /** Runs `citus-sidecar <args>` with the sidecar's settings and those of `env`. */
  command(args: readonly string[], env?: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<ProgramResult>
}

/** The node that a plan and the cluster's record describe; starts nothing. */
export function describeNode(plan: NodePlan, record: ClusterRecord): LocalNode {
  const folder = join(record.ground, plan.name)
  const runDir = join(folder, 'run')
  const passwordFile = join(folder, 'sidecar-password')
  const controlSocket = join(runDir, 'control.sock')
  const { binaries, user, passwords, database } = record
  const postgres = new PostgresServer({
    name: plan.name,
    folder,
    port: plan.pgPort,
    binaries,
    user,
    passwords,
    database,
  })
  const places = { socketDir: postgres.socketDir, runDir, passwordFile, database }
  const env = sidecarEnvironment(plan, record.nodes, places)
  const sidecar = new SidecarProcess({
    name: plan.name,
    folder,
    agent: record.agent,
    httpPort: plan.httpPort,
    controlSocket,
    env,
  })
  return {
    name: plan.name,
    role: plan.role,
    standbyOf: plan.standbyOf,
    host: postgres.host,
    pgPort: plan.pgPort,
    socketDir: postgres.socketDir,
    dataDir: postgres.dataDir,
    url: sidecar.url,
    controlSocket,
    runDir,
    passwordFile,
    env,
    postgres,
    sidecar,
    command: async (args, extra = {}, signal) =>
      await runAgentCommand(record.agent, args, { ...env, ...extra }, { signal }),
  }
}
