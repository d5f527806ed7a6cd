// Waits that leave nothing behind on the signal, for it lives as long as the process.
import { setTimeout } from 'node:timers/promises'

/** Returns after `ms` milliseconds or as soon as the signal aborts, without throwing. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined)
}
