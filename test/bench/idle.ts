// What an idle sidecar costs: memory, processor, connections.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import type { Claim, Result } from './claim.ts'

const seconds = 60
/** Of a probe or a heartbeat nothing is held this long. */
const held = 0.5
/** Linux counts processor time in hundredths of a second (USER_HZ). */
const ticksPerSecond = 100

/** Processor time that a process and its threads have used. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory of a process, MB of 1024² bytes. */
export function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Connections of sidecars at one server: those of its own by the unix socket, those of others by TCP. */
const sql = `
  select application_name as use, client_port = -1 as local, count(*)::int as count
    from pg_stat_activity where application_name like 'citus-sidecar/%' group by 1, 2`

interface Sample {
  readonly local: number
  readonly remote: number
}

async function sample(nodes: readonly LocalNode[], until: number): Promise<Map<string, Sample[]>> {
  const clients = await Promise.all(nodes.map(async (node) => ({ node, client: await node.postgres.connect() })))
  const samples = new Map<string, Sample[]>(nodes.map(({ name }) => [name, []]))
  while (performance.now() < until) {
    for (const { node, client } of clients) {
      const { rows } = await client.query<{ local: boolean; count: number }>(sql)
      const sum = (local: boolean): number =>
        rows.filter((row) => row.local === local).reduce((all, row) => all + row.count, 0)
      samples.get(node.name)?.push({ local: sum(true), remote: sum(false) })
    }
    await delay(200)
  }
  await Promise.all(clients.map(async ({ client }) => await client.end()))
  return samples
}

/** What is there at least in half of the samples, and the most there ever was. */
function summary(values: readonly number[]): { usual: number; most: number } {
  const sorted = values.toSorted((a, b) => a - b)
  return { usual: sorted[Math.floor(sorted.length * held)] ?? 0, most: sorted.at(-1) ?? 0 }
}

export const idle: Claim = {
  name: 'idle',
  how: `a coordinator and two ready workers, nothing else going on, for ${seconds} s; connections in pg_stat_activity every 0.2 s: what is held, and the most seen in any one sample; MB are 1024² bytes`,
  run: async (agent) => {
    await using cluster = await startCluster({ workers: 2, agent })
    await delay(5_000)
    const pids = cluster.nodes.map(({ name, sidecar }) => ({ name, pid: sidecar.pid ?? 0 }))
    const before = pids.map(({ pid }) => cpuSeconds(pid))
    const start = performance.now()
    const samples = await sample(cluster.nodes, start + seconds * 1_000)
    const elapsed = (performance.now() - start) / 1_000
    const cpu = pids.map(({ pid }, index) => ((cpuSeconds(pid) - (before[index] ?? 0)) / elapsed) * 100)
    const memory = pids.map(({ pid }) => residentMegabytes(pid))
    const worker = summary((samples.get('worker-1') ?? []).map(({ local }) => local))
    const remote = summary((samples.get('coordinator') ?? []).map(({ remote: count }) => count))
    const each = remote.usual / cluster.workers.length
    const results: Result[] = [
      {
        what: 'resident memory, largest of three',
        value: `${Math.max(...memory).toFixed(1)} MB`,
        target: '< 90 MB',
        met: Math.max(...memory) < 90,
      },
      {
        what: 'processor, busiest of three',
        value: `${Math.max(...cpu).toFixed(2)} % of a core`,
        target: '< 1 %',
        met: Math.max(...cpu) < 1,
      },
      {
        what: 'connections to the local server',
        value: `${worker.usual} held, at most ${worker.most} in a sample`,
        target: '<= 3',
        met: worker.most <= 3,
      },
      {
        what: 'connections of a worker to the coordinator',
        value: `${each} held; of ${cluster.workers.length} workers together at most ${remote.most} in a sample`,
        target: '<= 1 held',
        met: each <= 1,
      },
    ]
    return results
  },
}
