// Every node of a cluster restarted one by one under load, as a kubelet would do it: the preStop script, SIGINT, a start.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { drainView } from '../support/draining.ts'
import type { Claim, Result } from './claim.ts'
import { ms } from './claim.ts'
import { Load } from './load.ts'
import { createLoadTable, goesOn, lossesOf, lossResults } from './losses.ts'
import type { Losses } from './losses.ts'

const run = promisify(execFile)
interface NodeRestart {
  readonly name: string
  readonly waitedMs: number
  readonly stopMs: number
  readonly startMs: number
  readonly checkpointMs: number
  readonly archiveMs: number
  readonly drainMs: number
  readonly hookMs: number
}

interface Restarts extends Losses {
  readonly citus: string
  readonly nodes: readonly NodeRestart[]
}

/** Milliseconds until `action` has ended. */
async function timed(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await action()
  return performance.now() - begun
}

async function ready(node: LocalNode): Promise<void> {
  await eventually(`${node.name} is ready`, async () => (await node.sidecar.get('/readyz')).status === 200, {
    deadline: 60_000,
  })
}

async function restart(node: LocalNode): Promise<NodeRestart> {
  const hookMs = await timed(async () => await run(join(node.runDir, 'prestop')))
  const view = await drainView(node)
  const took = (name: string): number => view?.phases.find((phase) => phase.name === name)?.tookMs ?? 0
  const said = view?.phases.find(({ name }) => name === 'prepare')?.reason ?? ''
  const measured = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? 0)
  const stopMs = await timed(async () => await node.postgres.stop('fast'))
  const startMs = await timed(async () => await node.postgres.start())
  await ready(node)
  const back = await eventually(
    `${node.name} has released its hold`,
    () => node.sidecar.log().findLast(({ event, operation }) => event === 'drain.back' && operation === view?.id),
    { deadline: 60_000 },
  )
  return {
    name: node.name,
    waitedMs: Number(back['waitedMs']),
    stopMs,
    startMs,
    checkpointMs: measured(/checkpoint in (\d+) ms/),
    archiveMs: measured(/in (\d+) ms$/),
    // Running transactions end while the poolers pause and while sessions are drained.
    drainMs: took('hold') + took('drain'),
    hookMs,
  }
}

/** Restarts workers, then the coordinator. */
export async function rollingRestart(agent: string | undefined): Promise<Restarts> {
  await using cluster = await startCluster({
    workers: 2,
    poolers: 2,
    agent,
    env: { CITUS_SIDECAR_HOLD: process.env['HOLD'] ?? 'auto' },
  })
  await createLoadTable(cluster)
  const load = await Load.start(
    cluster,
    cluster.poolers.map(({ port }) => port),
  )
  await goesOn(load)
  const nodes: NodeRestart[] = []
  for (const node of [...cluster.workers, cluster.coordinator]) {
    nodes.push(await restart(node))
    await goesOn(load)
  }
  return await summed(cluster, load, nodes)
}

async function summed(cluster: LocalCluster, load: Load, nodes: readonly NodeRestart[]): Promise<Restarts> {
  const lost = await lossesOf(cluster, load)
  const citus = cluster.kind === 'citus' ? cluster.record.citusVersion : cluster.kind
  return { citus, ...lost, nodes }
}

/** Restarts one worker five times while writers go round the poolers, with the hold of the other nodes alone. */
export async function nodeHoldRestarts(agent: string | undefined): Promise<Restarts> {
  await using cluster = await startCluster({
    workers: 2,
    agent,
    env: { CITUS_SIDECAR_HOLD: 'node', CITUS_SIDECAR_UNREADY_WAIT: '0ms' },
  })
  await createLoadTable(cluster)
  const [worker, entry] = cluster.workers
  if (worker === undefined || entry === undefined) throw new Error('two workers are needed')
  const load = await Load.start(cluster, [cluster.coordinator.pgPort, entry.pgPort], ['write'])
  const nodes: NodeRestart[] = []
  await goesOn(load)
  for (let run = 0; run < 5; run += 1) {
    nodes.push(await restart(worker))
    await goesOn(load)
  }
  return await summed(cluster, load, nodes)
}

export const nodeHold: Claim = {
  name: 'node-hold',
  how: 'real Citus, no pooler: 8 clients with single-row writes, half through the coordinator, half through a worker; the other worker restarted 5 times: preStop script, SIGINT, start',
  run: async (agent) => {
    const found = await nodeHoldRestarts(agent)
    const waits = found.nodes.map(({ waitedMs }) => waitedMs)
    return [
      ...lossResults('failed writes over 5 restarts', found),
      {
        what: 'writers held',
        value: `worst ${ms(Math.max(...waits))}`,
        target: 'below the lease, 60 s',
        met: Math.max(...waits) < 60_000,
      },
    ]
  },
}

export const rollingRestarts: Claim = {
  name: 'rolling-restart',
  how: 'coordinator, two workers, two PgBouncers in transaction mode, 8 clients with single-row writes and reads, multi-shard reads and transactions of several statements; every node restarted one by one: preStop script, SIGINT, start',
  run: async (agent) => {
    const found = await rollingRestart(agent)
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(found)}\n`)
    const waits = found.nodes.map(({ name, waitedMs, stopMs, startMs, drainMs, ...rest }): Result => {
      const limit = stopMs + startMs + drainMs + 300
      return {
        what: `clients waited for ${name}`,
        value: `${ms(waitedMs)} (stop ${ms(stopMs)}, start ${ms(startMs)}, drain ${ms(drainMs)}, checkpoint ${rest.checkpointMs} ms, hook ${ms(rest.hookMs)})`,
        target: `<= stop + start + drain + 300 ms = ${ms(limit)}`,
        met: waitedMs <= limit,
      }
    })
    return [...lossResults('failed transactions', found), ...waits]
  },
}
