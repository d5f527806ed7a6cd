// The very first thing a pooler's sidecar does: resume what an earlier one left paused, unless its lease still stands.
import type { Config } from '../config.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import { readLease, removeLease } from './lease-file.ts'
import { Promptness } from './promptness.ts'
import { calmDown, resumeAtLast } from './resume.ts'

/** Longer than a PgBouncer that runs needs; the hold goes on trying afterwards. Milliseconds. */
const patience = 3_000
/** What the settings still have to say must not wait for long, milliseconds. */
const untilServed = 500

/** Resumes what lies under a lease that is over; leaves one that stands. Never throws. */
export async function recoverLease(config: Config, clock: Clock, report: Report, signal: AbortSignal): Promise<void> {
  const found = await readLease(config.runDir, clock.now(), config.holdMax)
  if (found.state === 'none') return
  if (found.state === 'valid') {
    report('hold.recovered', { hold: found.lease.holdId, endsAt: new Date(found.lease.endsAt).toISOString() })
    return
  }
  report('hold.lease-over', { reason: found.why })
  // Loaded only here: whoever loads pg before traces are on has no spans of its queries.
  const { PoolerConsole } = await import('./console.ts')
  await using console = new PoolerConsole(config)
  const late = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  const options = { console, clock, report, promptness: new Promptness(console, config.runDir) }
  if (!(await resumeAtLast(options, found.databases, late))) return
  await calmDown(options, untilServed, late)
  // Left behind, it is tried again by the hold.
  await removeLease(config.runDir).catch(() => undefined)
}
