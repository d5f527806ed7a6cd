// RESUME until it has worked: nothing matters more than that nobody stays paused. Then wait until clients are served.
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { Console } from './console.ts'
import type { Promptness } from './promptness.ts'

/** One RESUME takes no time at all where PgBouncer runs, milliseconds. */
const timeout = 1_000
const pause = 100
/** How often it is looked whether clients are served again, milliseconds. */
const glance = 50

export interface ResumeOptions {
  readonly console: Console
  readonly promptness: Promptness
  readonly clock: Clock
  readonly report: Report
}

/** Resumes these databases, or all that are paused where nobody can say which. @throws what the console said. */
export async function resumeOnce(
  console: Console,
  databases: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<void> {
  const bounds = { timeout, signal }
  const names = databases ?? (await console.databases(bounds)).filter(({ paused }) => paused).map(({ name }) => name)
  for (const name of names) await console.resume(name, bounds)
}

/**
 * Tries until it worked or the signal aborts; true when it worked. PgBouncer is in a hurry to reach its servers from then on, until
 * calmDown(): PAUSE cuts a server that is just logging in, and PgBouncer takes that for a failed login; clients would wait, or be turned
 * away, for server_login_retry (15 s). So they would if the server were found only a moment later than they are let go.
 */
export async function resumeAtLast(
  options: ResumeOptions,
  databases: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { console, promptness, clock, report } = options
  let said = false
  while (!signal.aborted) {
    try {
      await promptness.hurry(signal)
      await resumeOnce(console, databases, signal)
      return true
    } catch (error) {
      if (!said && !signal.aborted) report('hold.stuck', { reason: reasonOf(error) })
      said = true
      await clock.sleep(pause, signal)
    }
  }
  return false
}

/** Ends PgBouncer's hurry once nobody waits for a server, after `limit` milliseconds at the latest, or when the signal aborts. Never throws. */
export async function calmDown(
  { console, promptness, clock }: ResumeOptions,
  limit: number,
  signal: AbortSignal,
): Promise<void> {
  const end = clock.now() + limit
  while (!signal.aborted && clock.now() < end) {
    if (!(await console.isWaiting({ timeout, signal }).catch(() => true))) break
    await clock.sleep(glance, signal)
  }
  await promptness.calm(signal.aborted ? AbortSignal.timeout(timeout) : signal)
}
