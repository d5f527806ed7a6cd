// What the kernel tells of one control group, in either version of its files, as columns of a row.
import { join } from 'node:path'
import type { Row } from '../collection.ts'
import { readText } from './read-head.ts'

/** Reads one file of the group; empty where there is none. */
export type ReadFile = (controller: string, file: string) => Promise<string>

/** Version 1 writes no limit as the largest multiple of a page; no machine has this much, bytes. */
const unlimited = 2 ** 60

/** The number of a file that has nothing else; undefined for `max`, or where there is none. */
function only(text: string): number | undefined {
  return /^\d+\s*$/.test(text) ? Number(text) : undefined
}

/** The number behind a word. */
function of(text: string, word: string): number | undefined {
  const found = new RegExp(`^${word} (\\d+)$`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

function times(number: number | undefined, factor: number): number | undefined {
  return number === undefined ? undefined : number * factor
}

function divided(number: number | undefined, by: number | undefined): number | undefined {
  return number === undefined || by === undefined || by === 0 ? undefined : number / by
}

/** What is in use and could not be dropped at once, as the kubelet counts it when it evicts. */
function workingSet(used: number | undefined, inactive: number | undefined): number | undefined {
  return used === undefined || inactive === undefined ? undefined : Math.max(0, used - inactive)
}

/** Pressure: who was stalled, on what. */
async function pressure(read: ReadFile): Promise<readonly Row[]> {
  const resources = await Promise.all(
    ['cpu', 'memory', 'io'].map(async (resource) => ({ resource, text: await read('', `${resource}.pressure`) })),
  )
  return resources.flatMap(({ resource, text }) =>
    [...text.matchAll(/^(some|full) .*\btotal=(\d+)$/gm)].map(([, kind, micros]) => ({
      resource,
      kind,
      stalled: Number(micros) / 1e6,
    })),
  )
}

/** Of version 2: https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/accounting/psi.html */
async function version2(read: ReadFile): Promise<readonly Row[]> {
  const file = async (name: string): Promise<string> => await read('', name)
  const cpu = await file('cpu.stat')
  const [quota = '', period = ''] = (await file('cpu.max')).split(' ')
  const memory = only(await file('memory.current'))
  return [
    {
      memory,
      memoryLimit: only(await file('memory.max')),
      workingSet: workingSet(memory, of(await file('memory.stat'), 'inactive_file')),
      oomKills: of(await file('memory.events'), 'oom_kill'),
      cpu: times(of(cpu, 'usage_usec'), 1e-6),
      cpuLimit: divided(only(quota), only(period)),
      periods: of(cpu, 'nr_periods'),
      throttledPeriods: of(cpu, 'nr_throttled'),
      throttled: times(of(cpu, 'throttled_usec'), 1e-6),
      pids: only(await file('pids.current')),
      pidsLimit: only(await file('pids.max')),
    },
    ...(await pressure(read)),
  ]
}

/** Of version 1: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html, https://docs.kernel.org/scheduler/sched-bwc.html */
async function version1(read: ReadFile): Promise<readonly Row[]> {
  const cpu = await read('cpu', 'cpu.stat')
  const memory = only(await read('memory', 'memory.usage_in_bytes'))
  const limit = only(await read('memory', 'memory.limit_in_bytes'))
  return [
    {
      memory,
      memoryLimit: limit !== undefined && limit < unlimited ? limit : undefined,
      workingSet: workingSet(memory, of(await read('memory', 'memory.stat'), 'total_inactive_file')),
      oomKills: of(await read('memory', 'memory.oom_control'), 'oom_kill'),
      cpu: times(only(await read('cpuacct', 'cpuacct.usage')), 1e-9),
      // Without a limit the quota is -1, which is no number of ours.
      cpuLimit: divided(only(await read('cpu', 'cpu.cfs_quota_us')), only(await read('cpu', 'cpu.cfs_period_us'))),
      periods: of(cpu, 'nr_periods'),
      throttledPeriods: of(cpu, 'nr_throttled'),
      throttled: times(of(cpu, 'throttled_time'), 1e-9),
      pids: only(await read('pids', 'pids.current')),
      pidsLimit: only(await read('pids', 'pids.max')),
    },
  ]
}

/** Folders of a process's groups by controller, as /proc/…/cgroup has them; the one of version 2 has no controller. */
export function groupsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
      // What begins so lies outside of what this container may see.
      if (controllers === undefined || path === undefined || path.startsWith('/..')) return []
      return controllers.split(',').map((controller) => [controller, path] as const)
    }),
  )
}

/** Everything that is told of the groups of one process; `mounted` is where a container that sees only its own group finds it, too. */
export async function readGroups(
  groups: ReadonlyMap<string, string>,
  root: string,
  mounted: boolean,
): Promise<readonly Row[]> {
  // Both versions may be there at once; the controllers then are those of version 1.
  const modern = (await readText(join(root, 'cgroup.controllers'))) !== ''
  const read: ReadFile = async (controller, file) => {
    const group = groups.get(controller)
    if (group === undefined) return ''
    const text = await readText(join(root, controller, group, file))
    return text === '' && mounted ? await readText(join(root, controller, file)) : text
  }
  return modern ? await version2(read) : await version1(read)
}
