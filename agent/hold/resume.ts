// RESUME until it has worked: nothing matters more than that nobody stays paused.
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { Console } from './console.ts'

/** One RESUME takes no time at all where PgBouncer runs, milliseconds. */
const timeout = 1_000
const pause = 100

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
  const names =
    databases ?? (await console.databases(bounds)).filter(({ paused }) => paused).map(({ name }) => name)
  for (const name of names) await console.resume(name, bounds)
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
