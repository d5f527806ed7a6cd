// When to look into a folder again: soon after something happened there where the system tells, and after a while whether or not.
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'

/** Between two looks, milliseconds. */
const soonest = 100
const latest = 1_000

export interface NextChange extends Disposable {
  readonly happened: Promise<void>
}

/** The time of the next look; of one that was busy it is soon in any case, and nothing is watched. */
export function nextChange(folder: string, busy: boolean, signal: AbortSignal): NextChange {
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = (): void => resolve()
  let hinted = busy
  let early = true
  let watcher: FSWatcher | undefined
  const timers = [
    setTimeout(() => {
      early = false
      if (hinted) wake()
    }, soonest),
    setTimeout(wake, latest),
  ]
  const hint = (): void => {
    // Once: of a busy log there are thousands a second.
    watcher?.close()
    hinted = true
    if (!early) wake()
  }
  try {
    // A folder that cannot be watched is looked at all the same.
    if (!busy) watcher = watch(folder, hint).on('error', () => watcher?.close())
  } catch {}
  signal.addEventListener('abort', wake, { once: true })
  if (signal.aborted) wake()
  return {
    happened: promise,
    [Symbol.dispose]: () => {
      watcher?.close()
      timers.forEach(clearTimeout)
      signal.removeEventListener('abort', wake)
    },
  }
}
