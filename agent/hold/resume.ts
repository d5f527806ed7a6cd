// RESUME until it has worked: nothing matters more than that nobody stays paused.
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { systemClock } from '../loop/clock.ts'
import type { Clock } from '../loop/clock.ts'
import type { Console } from './console.ts'

/** One RESUME takes no time at all where PgBouncer runs, milliseconds. */
const timeout = 1_000
const pause = 100
/** How often, and how many times, it is looked whether clients are served again, milliseconds. */
const glance = 20
const rounds = 25

export interface ResumeOptions {
  readonly console: Console
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
  // PAUSE cuts a server that is just logging in, and PgBouncer takes that for a failed login: clients would wait, or be turned away,
  // for server_login_retry (15 s).
  const calm = await console.hurry(bounds)
  try {
    for (const name of names) await console.resume(name, bounds)
    await untilServed(console, bounds)
  } finally {
    await calm()
  }
}

/** Waits, not for long, until nobody waits for a server's login. */
async function untilServed(console: Console, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  for (let round = 0; round < rounds && !signal.aborted; round += 1) {
    if (!(await console.isWaiting({ timeout, signal }).catch(() => false))) return
    await systemClock.sleep(glance, signal)
  }
}

/** Tries until it worked or the signal aborts; true when it worked. */
export async function resumeAtLast(
  options: ResumeOptions,
  databases: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { console, clock, report } = options
  let said = false
  while (!signal.aborted) {
    try {
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
