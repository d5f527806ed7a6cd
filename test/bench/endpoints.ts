// Probe endpoints answer from memory: under load, while PostgreSQL is frozen.
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { ms, quantile } from './claim.ts'
import type { Claim, Result } from './claim.ts'
import { MessageCounter } from './message-counter.ts'
import { statusOf, timeUntil } from './poll.ts'

const perSecond = 200
const seconds = 30
const limit = 5

export interface Load {
  readonly latencies: number[]
  failures: number
}

/** Asks a URL evenly, and how long each answer took, milliseconds; one with another status than expected is a failure. */
export async function load(
  url: string,
  expected: readonly number[],
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Load> {
  const result: Load = { latencies: [], failures: 0 }
  const running = new Set<Promise<void>>()
  const start = performance.now()
  for (let sent = 0; sent < perSecond * seconds; sent += 1) {
    const due = start + (sent * 1_000) / perSecond
    while (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, 1))
    const begun = performance.now()
    const one = statusOf(url).then((status) => {
      result.latencies.push(performance.now() - begun)
      if (!expected.includes(status)) result.failures += 1
      running.delete(one)
    })
    running.add(one)
  }
  await Promise.all(running)
  return result
}

/** What each endpoint may answer then. Of a server that says nothing nobody can say that it has started; that becomes clear during the run. */
const expected = { '/livez': [200], '/readyz': [503], '/startupz': [200, 503], '/metrics': [200] }

export const endpoints: Claim = {
  name: 'endpoints',
  how: `${perSecond} requests/s to each endpoint at once for ${seconds} s while every process of the worker's PostgreSQL is stopped; what the sidecar sends to its own PostgreSQL and to the coordinator's goes through a proxy that counts it, and a query a request would be ${perSecond * seconds * Object.keys(expected).length} messages`,
  run: async (agent) => {
    await using cluster = await startCluster({ workers: 1, agent, sidecars: false })
    const { coordinator } = cluster
    const node = cluster.node('worker-1')
    await using local = await MessageCounter.start(node.pgPort)
    await using remote = await MessageCounter.start(coordinator.pgPort)
    coordinator.sidecar.start()
    node.sidecar.start({
      PGHOST: '127.0.0.1',
      PGPORT: String(local.port),
      PGSSLMODE: 'disable',
      CITUS_SIDECAR_COORDINATOR: `127.0.0.1:${remote.port}`,
    })
    await node.sidecar.answers('/readyz')
    await node.postgres.freeze()
    await timeUntil('not ready', performance.now(), async () => (await statusOf(`${node.url}/readyz`)) === 503)
    const before = local.messages + remote.messages
    const loads = await Promise.all(
      Object.entries(expected).map(async ([path, statuses]) => ({
        path,
        load: await load(`${node.url}${path}`, statuses, { perSecond, seconds }),
      })),
    )
    const messages = local.messages + remote.messages - before
    const requests = loads.reduce((all, { load: { latencies } }) => all + latencies.length, 0)
    return [
      ...loads.map(({ path, load: { latencies, failures } }): Result => {
        const p99 = quantile(latencies, 0.99)
        return {
          what: `GET ${path}, PostgreSQL frozen`,
          value: `p50 ${ms(quantile(latencies, 0.5))}, p99 ${ms(p99)}, max ${ms(Math.max(...latencies))}; ${failures} of ${latencies.length} failed`,
          target: `p99 < ${ms(limit)}, 0 failed`,
          met: p99 < limit && failures === 0,
        }
      }),
      {
        what: 'messages to PostgreSQL meanwhile, all of them from probes and heartbeats on their own schedule',
        value: `${messages} for ${requests} requests`,
        target: '< 10 a second',
        met: messages < 10 * seconds,
      },
    ]
  },
}
