// What each command of `npm run cluster` does.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClusterRequest, HELP } from './cluster-arguments.ts'
import { renderTable, reportCluster } from './cluster-report.ts'
import { openCluster } from './local-cluster.ts'
import { LocalError } from './local-error.ts'
import { POOLER_ACTIONS } from './pooler-actions.ts'
import type { PostgresServer } from './postgres-server.ts'
import type { SidecarProcess } from './sidecar-process.ts'
import { startCluster } from './start-cluster.ts'
import { RECORD_NAME } from './workspace.ts'
import { processActions } from './process-actions.ts'

type RequestOf<C extends ClusterRequest['command']> = Extract<ClusterRequest, { command: C }>
type NodeRequest = Exclude<ClusterRequest, RequestOf<'help' | 'up' | 'down'>>

/** Where the commands write. */
export interface Output {
  write(text: string): void
}

/**
 * Does what was asked; `up` returns once `signal` fires or the cluster was taken down by another process.
 * @throws LocalError with what did not work.
 */
export async function perform(request: ClusterRequest, output: Output, signal: AbortSignal): Promise<void> {
  if (request.command === 'help') output.write(HELP)
  else if (request.command === 'up') await up(request, output, signal)
  else if (request.command === 'down') await down(request, output)
  else await act(request, output, signal)
}

async function up(request: RequestOf<'up'>, output: Output, signal: AbortSignal): Promise<void> {
  const { workers, poolers, dir, json, sidecars } = request
  await using cluster = await startCluster({ workers, poolers, dir, sidecars }, signal)
  const report = reportCluster(cluster)
  if (json) output.write(`${JSON.stringify(report)}\n`)
  else output.write(`${cluster.description}\n${renderTable(report)}folder ${cluster.dir}; Ctrl-C ends the cluster\n`)
  const record = join(cluster.dir, RECORD_NAME)
  // "down" of another process removes the folder; there is then nothing left to keep.
  while (!signal.aborted && existsSync(record)) await sleep(250, undefined, { signal }).catch(() => undefined)
}

async function down(request: RequestOf<'down'>, output: Output): Promise<void> {
  const cluster = openCluster(request.dir)
  await cluster.down()
  output.write(`the cluster in ${cluster.dir} is down\n`)
}

async function act(request: NodeRequest, output: Output, signal: AbortSignal): Promise<void> {
  const cluster = openCluster(request.dir)
  const pooler = cluster.poolers.find(({ name }) => name === request.node)
  const node = pooler ?? cluster.node(request.node)
  const done =
    request.part === 'sidecar'
      ? await SIDECAR_ACTIONS[request.command](node.sidecar, signal)
      : 'pgbouncer' in node
        ? await POOLER_ACTIONS[request.command](node.pgbouncer, signal)
        : await SERVER_ACTIONS[request.command](node.postgres, request, signal)
  output.write(`${node.name}${request.part === 'sidecar' ? '/sidecar' : ''} ${done}\n`)
}

type ServerAction = (server: PostgresServer, request: NodeRequest, signal: AbortSignal) => Promise<string>
type SidecarAction = (sidecar: SidecarProcess, signal: AbortSignal) => Promise<string>

const SERVER_ACTIONS: Readonly<Record<NodeRequest['command'], ServerAction>> = {
  async kill(server, _, signal) {
    if (server.processes().length === 0) return 'was not running'
    await server.kill(signal)
    return 'is killed'
  },
  async freeze(server, { postmaster }, signal) {
    await server.freeze({ postmaster }, signal)
    return postmaster ? 'has a frozen postmaster' : 'is frozen'
  },
  async thaw(server) {
    if (server.pid === undefined) throw new LocalError(`PostgreSQL of ${server.name} is not running: nothing to thaw`)
    server.thaw()
    return 'is thawed'
  },
  async restart(server, _, signal) {
    await server.restart(signal)
    return `is restarted, process ${server.pid}`
  },
  async stop(server, _, signal) {
    if (server.pid === undefined) return 'was not running'
    await server.stop('fast', signal)
    return 'is stopped'
  },
  async start(server, _, signal) {
    await server.start({}, signal)
    return `is started, process ${server.pid}`
  },
}

const SIDECAR_ACTIONS: Readonly<Record<NodeRequest['command'], SidecarAction>> = {
  ...processActions('the sidecar'),
  async restart(sidecar, signal) {
    await sidecar.restart(signal)
    await sidecar.answers('/livez', undefined, signal)
    return `is restarted, process ${sidecar.pid}`
  },
  async start(sidecar, signal) {
    sidecar.start()
    await sidecar.answers('/livez', undefined, signal)
    return `is started, process ${sidecar.pid}`
  },
}
