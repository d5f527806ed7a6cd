// Time as an argument, so that tests can turn it.
import { sleep } from '../../probes/sleep.ts'

export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** Returns after `ms` milliseconds or as soon as the signal aborts, without throwing. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep,
}
