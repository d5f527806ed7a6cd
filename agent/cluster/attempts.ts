// When the next attempt at joining is due: after each failure in a row a longer wait, whatever wakes the loop meanwhile.
import { delayOf } from '../loop/backoff.ts'
import type { Clock } from '../loop/clock.ts'
import type { Finding } from './findings.ts'

/** Between attempts that failed for what passes by itself, milliseconds. */
const retry = { base: 500, cap: 15_000 }
/** After a failure that will not pass by itself, milliseconds. */
const stoppedFor = 60_000

/** Failures in a row, and what they put off. */
export class Attempts {
  readonly #clock: Clock
  readonly #random: () => number
  #failures = 0
  #notBefore = 0
  #stopped: Finding | undefined

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  /** What stopped the last attempt, while it is too early for another. */
  get stopped(): Finding | undefined {
    return this.#clock.now() < this.#notBefore ? this.#stopped : undefined
  }

  /** An attempt failed for what passes by itself: the next one waits longer than this one did. */
  failed(why: Finding): void {
    this.unanswered()
    this.#putOff(why, delayOf(this.#failures, retry, this.#random))
  }

  /** An attempt failed for what somebody has to mend. */
  gaveUp(why: Finding): void {
    this.#failures = 0
    this.#putOff(why, stoppedFor)
  }

  /** Nobody could say what is to be done: the next look waits longer, no attempt does. */
  unanswered(): void {
    this.#failures += 1
  }

  /** An attempt succeeded: the failures before it no longer count. */
  succeeded(): void {
    this.#failures = 0
    this.#notBefore = 0
  }

  /** Nothing is to be attempted now: failures no longer count, but an attempt that was given up waits its time all the same. */
  idle(): void {
    this.#failures = 0
  }

  /** Milliseconds until the next look where nothing wakes the loop before. */
  pause(interval: number): number {
    if (this.#failures === 0) return interval
    const left = this.#notBefore - this.#clock.now()
    return left > 0 ? left : delayOf(this.#failures, retry, this.#random)
  }

  #putOff(why: Finding, ms: number): void {
    this.#stopped = why
    this.#notBefore = this.#clock.now() + ms
  }
}
