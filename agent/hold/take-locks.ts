// All locks of a node hold, or none: what is held in part stalls writers and protects nobody.
import type { Clock } from '../loop/clock.ts'
import type { NodeLock } from './node-lock.ts'

export interface TakeOptions {
  readonly clock: Clock
  /** The longest that writers may queue in one try, and how long they go on between two, milliseconds. */
  readonly pauseTry: number
  readonly pauseBreak: number
  readonly force: boolean
  /** Ends of the tries and of the lease, by the clock. */
  readonly giveUpAt: number
  readonly endsAt: number
  readonly onBusy: (reason: string) => void
}

/** `without` says which servers nobody can reach, us included. */
export type Outcome = { readonly held: true; readonly without: readonly string[] } | { readonly failed: string }

type Tried = Outcome | { readonly busy: string }

/** Tries until every lock is held, or it is clear that they cannot be; nothing is held where it failed. */
export async function takeLocks(
  locks: readonly NodeLock[],
  options: TakeOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock, giveUpAt, pauseBreak, onBusy } = options
  for (let tries = 0; ; tries += 1) {
    const tried = await tryOnce(locks, options, tries > 0, signal)
    if ('held' in tried) return tried
    await Promise.all(locks.map(async (lock) => await lock.letGo()))
    if ('failed' in tried) return tried
    if (signal.aborted || clock.now() + pauseBreak >= giveUpAt) return { failed: tried.busy }
    onBusy(tried.busy)
    await clock.sleep(pauseBreak, signal)
  }
}

async function tryOnce(
  locks: readonly NodeLock[],
  options: TakeOptions,
  again: boolean,
  signal: AbortSignal,
): Promise<Tried> {
  const { clock, pauseTry, force, endsAt } = options
  const opened = await Promise.all(locks.map(async (lock) => ({ lock, taken: await lock.open(signal) })))
  const refused = opened.find(({ taken }) => taken.state === 'refused')?.taken
  if (refused?.state === 'refused') return { failed: refused.reason }
  const without = opened.flatMap(({ taken }) => (taken.state === 'away' ? [taken.reason] : []))
  const there = opened.filter(({ taken }) => taken.state === 'held').map(({ lock }) => lock)
  // All servers share one wait: who waits for the last of them waits behind the first as well.
  const end = clock.now() + Math.min(pauseTry, ...there.map(({ longestWait }) => longestWait))
  for (const lock of there) {
    const wait = end - clock.now()
    if (wait <= 0) return { busy: `${lock.name}: no time was left in this try` }
    // Those in the way get a first try to end by themselves.
    const taken = await lock.take({ wait, lease: endsAt - clock.now(), force: force && again }, signal)
    if (taken.state === 'busy') return { busy: taken.reason }
    if (taken.state === 'refused') return { failed: taken.reason }
    if (taken.state === 'away') without.push(taken.reason)
  }
  if (!locks.some(({ held }) => held)) return { failed: without.join('; ') }
  return { held: true, without }
}
