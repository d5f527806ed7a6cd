// Keeps a pooler's addresses short-lived, whoever restarts or reloads PgBouncer meanwhile: a node that comes back with another address is
// then found within a second.
import type { Report } from '../events.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { Promptness } from './promptness.ts'

export interface ShortDnsOptions {
  readonly readings: ReadingStore
  /** Databases that lead to this cluster; with none, PgBouncer's settings are none of our business. */
  readonly targets: () => readonly string[] | undefined
  readonly promptness: Promptness
  readonly report: Report
  /** Read the settings again. */
  readonly look: () => void
}

/** Longest time that an address, or that there is none, may be believed, milliseconds. */
const longest = 1_000

/** Looks at every reading of the settings until the signal aborts. */
export function keepDnsShort(options: ShortDnsOptions, signal: AbortSignal): void {
  const { readings, targets, promptness, report, look } = options
  readings.on('reading', (name) => {
    if (name !== 'pgbouncer.limits' || signal.aborted || (targets() ?? []).length === 0) return
    const limits = readings.get(name)?.value
    if (limits === undefined || !((limits.dnsMaxTtl ?? 0) > longest || (limits.dnsNxdomainTtl ?? 0) > longest)) return
    void promptness.shortenDns(signal).then((before) => {
      if (Object.keys(before).length === 0) return
      report('pooler.dns-shortened', { before })
      look()
    })
  })
}
