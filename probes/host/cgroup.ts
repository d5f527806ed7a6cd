// What containers use of what they may use: memory, CPU, processes, from the control groups that can be seen from here.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { counter, gauge } from '../collection.ts'
import type { HostCollection, Row } from '../collection.ts'
import { groupsOf, readGroups } from './cgroup-files.ts'
import { readText } from './read-head.ts'

/** Where the kernel tells. */
export interface KernelFolders {
  readonly proc: string
  readonly cgroups: string
}

/** Processes that are looked at for one of the server; a pod has a few hundred. */
const mostProcesses = 4_096
/** The kernel cuts off names of processes, bytes. */
const longestName = 64
/** Servers a sidecar stands beside, as their processes are called. */
const servers = ['postgres', 'pgbouncer']

/** A server, by one of its processes. */
interface Server {
  readonly name: string
  readonly pid: number
}

/** The server a process belongs to; undefined where it is none or gone. */
async function serverAt(proc: string, pid: number): Promise<Server | undefined> {
  const name = (await readText(join(proc, String(pid), 'comm'), longestName)).trim()
  return servers.includes(name) ? { name, pid } : undefined
}

/** Seen only where the pod shares its process namespace. */
async function findServer(proc: string): Promise<Server | undefined> {
  const names = await readdir(proc).catch(() => [])
  // The oldest ones have the lowest numbers, and those of sessions come and go.
  const pids = names.map(Number).filter((pid) => Number.isInteger(pid) && pid > 0)
  for (const pid of pids.toSorted((a, b) => a - b).slice(0, mostProcesses)) {
    const server = await serverAt(proc, pid)
    if (server !== undefined) return server
  }
  return undefined
}

const labelled = (container: string, rows: readonly Row[]): readonly Row[] => rows.map((row) => ({ container, ...row }))

/** Reads rows of this process's container, and of the server's where that can be seen. */
export function cgroupReader({ proc, cgroups }: KernelFolders): () => Promise<readonly Row[]> {
  // Once found it is not looked for again: there may be thousands of processes.
  let server: Server | undefined
  return async () => {
    server = (server && (await serverAt(proc, server.pid))) ?? (await findServer(proc))
    const own = await readText(join(proc, 'self', 'cgroup'))
    const its = server === undefined ? '' : await readText(join(proc, String(server.pid), 'cgroup'))
    return [
      ...labelled('sidecar', await readGroups(groupsOf(own), cgroups, true)),
      // Beside each other without containers both are one group, which is told once.
      ...(server === undefined || its === own
        ? []
        : labelled(server.name, await readGroups(groupsOf(its), cgroups, false))),
    ]
  }
}

const labels = ['container']
const name = (rest: string): string => `citus_sidecar_cgroup_${rest}`

/** Memory, CPU, pressure and processes of containers. */
export const cgroup: HostCollection<'host.cgroup'> = {
  name: 'host.cgroup',
  help: "What this container, and the server's where it can be seen, uses of the memory, CPU and processes it may use.",
  interval: 15_000,
  rows: cgroupReader({ proc: '/proc', cgroups: '/sys/fs/cgroup' }),
  families: [
    gauge(name('memory_bytes'), 'Memory in use, page cache included.', 'memory', labels),
    gauge(
      name('memory_limit_bytes'),
      'Memory that may be used; no sample where there is no limit.',
      'memoryLimit',
      labels,
    ),
    gauge(
      name('memory_working_set_bytes'),
      'Memory in use without page cache that was not used lately; the kubelet evicts by it.',
      'workingSet',
      labels,
    ),
    counter(name('memory_oom_kills_total'), 'Processes that the kernel killed for want of memory.', 'oomKills', labels),
    counter(name('cpu_seconds_total'), 'CPU time used.', 'cpu', labels),
    gauge(name('cpu_limit_cores'), 'CPUs that may be used; no sample where there is no limit.', 'cpuLimit', labels),
    counter(
      name('cpu_throttled_seconds_total'),
      'Time for which threads had to wait, having used up the limit.',
      'throttled',
      labels,
    ),
    counter(name('cpu_throttled_periods_total'), 'Periods in which they had to.', 'throttledPeriods', labels),
    counter(name('cpu_periods_total'), 'Periods in which anything ran under a limit.', 'periods', labels),
    counter(
      name('pressure_stalled_seconds_total'),
      'Time for which some or all threads waited for a resource (cgroup v2 only).',
      'stalled',
      ['container', 'resource', 'kind'],
    ),
    gauge(name('pids'), 'Processes and threads.', 'pids', labels),
    gauge(
      name('pids_limit'),
      'Processes and threads there may be; no sample where there is no limit.',
      'pidsLimit',
      labels,
    ),
  ],
}
