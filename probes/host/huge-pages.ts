// Huge pages of the machine: PostgreSQL with huge_pages = on does not start without enough of them.
import { join } from 'node:path'
import { gauge } from '../collection.ts'
import type { HostCollection, Row } from '../collection.ts'
import { readText } from './read-head.ts'

/** Lines of /proc/meminfo (https://docs.kernel.org/admin-guide/mm/hugetlbpage.html) and the states they count. */
const states = { total: 'HugePages_Total', free: 'HugePages_Free', reserved: 'HugePages_Rsvd' } as const

/** Pages by state, and their size; only of the default size. */
export async function hugePageRows(proc: string): Promise<readonly Row[]> {
  const text = await readText(join(proc, 'meminfo'))
  const of = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  const kilobytes = of('Hugepagesize')
  return [
    ...Object.entries(states).map(([state, name]) => ({ state, pages: of(name) })),
    { size: kilobytes === undefined ? undefined : kilobytes * 1_024 },
  ]
}

/** Huge pages there are and are left. */
export const hugePages: HostCollection<'host.memory'> = {
  name: 'host.memory',
  help: 'Huge pages of the machine.',
  interval: 60_000,
  rows: async () => await hugePageRows('/proc'),
  families: [
    gauge(
      'citus_sidecar_huge_pages',
      'Huge pages of the machine: total, free, and reserved, which are free and promised.',
      'pages',
      ['state'],
    ),
    gauge('citus_sidecar_huge_page_size_bytes', 'Size of one of these.', 'size'),
  ],
}
