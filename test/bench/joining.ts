// How soon a worker is registered, active and in sync: one, and sixteen at once.
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { ms, worstBelow } from './claim.ts'
import type { Claim, Result } from './claim.ts'
import { timeUntil } from './poll.ts'

const joined = `
  select count(*)::int as count from pg_dist_node where groupid <> 0 and isactive and metadatasynced and noderole = 'primary'`

async function withCoordinator(workers: number, agent: string): Promise<LocalCluster> {
  const cluster = await startCluster({ workers, agent, sidecars: false })
  cluster.coordinator.sidecar.start()
  await cluster.coordinator.sidecar.answers('/readyz')
  return cluster
}

/** Milliseconds until the coordinator has so many workers as active and in sync. */
async function timeToJoin(cluster: LocalCluster, count: number, since: number): Promise<number> {
  const client = await cluster.coordinator.postgres.connect()
  try {
    return await timeUntil(`${count} workers`, since, async () => {
      const { rows } = await client.query<{ count: number }>(joined)
      return rows[0]?.count === count
    })
  } finally {
    await client.end()
  }
}

async function oneAfterTheOther(agent: string): Promise<Result> {
  await using cluster = await withCoordinator(3, agent)
  const times: number[] = []
  for (const [index, worker] of cluster.workers.entries()) {
    const since = performance.now()
    worker.sidecar.start()
    times.push(await timeToJoin(cluster, index + 1, since))
  }
  return worstBelow('one worker, from the start of its sidecar, both servers accepting', times, 1_000)
}

/** As in a pod that starts: the sidecar is there first and waits for its server. */
async function serverAfterSidecar(agent: string): Promise<Result> {
  await using cluster = await withCoordinator(3, agent)
  const times: number[] = []
  for (const [index, { sidecar, postgres }] of cluster.workers.entries()) {
    await postgres.stop()
    sidecar.start()
    await sidecar.answers('/livez')
    await postgres.start()
    times.push(await timeToJoin(cluster, index + 1, performance.now()))
  }
  return worstBelow('one worker whose sidecar waited, from its server accepting', times, 1_000)
}

async function sixteenAtOnce(agent: string): Promise<readonly Result[]> {
  const count = 16
  const limit = 15_000
  await using cluster = await withCoordinator(count, agent)
  const since = performance.now()
  for (const { sidecar } of cluster.workers) sidecar.start()
  const time = await timeToJoin(cluster, count, since)
  await Promise.all(cluster.workers.map(async ({ sidecar }) => await sidecar.answers('/readyz')))
  const loud = cluster.nodes
    .flatMap(({ sidecar }) => sidecar.log())
    .filter(({ level }) => level === 'error' || level === 'fatal')
  return [
    { what: `${count} workers at once`, value: ms(time), target: `< ${ms(limit)}`, met: time < limit },
    { what: 'log lines above warn meanwhile', value: String(loud.length), target: '0', met: loud.length === 0 },
  ]
}

export const joining: Claim = {
  name: 'joining',
  how: 'the coordinator with its sidecar is up; time from when the servers accept connections and the sidecar processes are started, whichever comes later, until pg_dist_node on the coordinator shows the workers as active and in sync',
  run: async (agent) => [
    await oneAfterTheOther(agent),
    await serverAfterSidecar(agent),
    ...(await sixteenAtOnce(agent)),
  ],
}
