// One try to pause: bounded, because while PAUSE waits behind a transaction every other client waits too.
import type { Clock } from '../loop/clock.ts'
import type { Console } from './console.ts'

/** How often it is looked whether logins are over, milliseconds. */
const glance = 10

/** Tries to pause all these databases within `limit` milliseconds. @throws what the console said, or that it took too long; the databases may be paused all the same. */
export async function pauseOnce(
  console: Console,
  databases: readonly string[],
  limit: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const end = clock.now() + limit
  const left = (): number => Math.max(end - clock.now(), 1)
  // PAUSE cuts a server connection that is just logging in, and counts it as a failed login: PgBouncer would then turn clients
  // away ("server login has been failing") and wait server_login_retry after RESUME.
  while ((await console.loggingIn({ timeout: left(), signal })) > 0 && left() > limit / 2)
    await clock.sleep(glance, signal)
  for (const database of databases) await console.pause(database, { timeout: left(), signal })
}
