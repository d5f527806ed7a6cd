// A clock that stands still until a test turns it.
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../agent/loop/clock.ts'

interface Sleeper {
  readonly until: number
  wake(): void
}

export class ManualClock implements Clock {
  #now: number
  readonly #sleepers = new Set<Sleeper>()

  constructor(now = 1_000_000) {
    this.#now = now
  }

  /** How many wait for the clock right now. */
  get sleepers(): number {
    return this.#sleepers.size
  }

  now(): number {
    return this.#now
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const sleeper = { until: this.#now + ms, wake }
    this.#sleepers.add(sleeper)
    signal.addEventListener('abort', wake, { once: true })
    await promise
    signal.removeEventListener('abort', wake)
    this.#sleepers.delete(sleeper)
  }

  /** Turns the clock, stopping wherever somebody wakes, so that who sleeps twice on the way wakes twice. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.settle()
    for (let next = this.#earliest(); next <= end; next = this.#earliest()) {
      this.#now = Math.max(this.#now, next)
      for (const sleeper of this.#sleepers) if (sleeper.until <= this.#now) sleeper.wake()
      await this.settle()
    }
    this.#now = end
  }

  #earliest(): number {
    return Math.min(...[...this.#sleepers].map(({ until }) => until))
  }

  /** Lets everything run that waits for nothing but its turn. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) await turn()
  }
}
