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
    const sleeper = { until: this.#now + ms, wake: resolve }
    this.#sleepers.add(sleeper)
    signal.addEventListener('abort', resolve, { once: true })
    await promise
    signal.removeEventListener('abort', resolve)
    this.#sleepers.delete(sleeper)
  }

  /** Lets everybody do what can be done at once, turns the clock, and lets those do it whom that woke. */
  async advance(ms: number): Promise<void> {
    await this.settle()
    this.#now += ms
    for (const sleeper of this.#sleepers) if (sleeper.until <= this.#now) sleeper.wake()
    await this.settle()
  }

  /** Lets everything run that waits for nothing but its turn. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) await turn()
  }
}
