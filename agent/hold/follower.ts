// How a holder follows the ledger, whatever it holds: it asks, owes answers, watches one hold until it is over, and can be woken.
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Clock } from '../loop/clock.ts'
import type { Hold, HoldAnswer, HoldKind } from './hold-ledger.ts'

/** Holds as the ledger has them; each call is bounded by who gives it. */
export interface HoldLedger {
  open(signal: AbortSignal): Promise<Hold | undefined>
  read(id: string, signal: AbortSignal): Promise<Hold | undefined>
  answer(id: string, answer: HoldAnswer, signal: AbortSignal): Promise<void>
}

export interface FollowerOptions {
  readonly clock: Clock
  readonly report: Report
  readonly ledger: HoldLedger
  /** Name of this holder in the ledger. */
  readonly holder: string
}

/** Why a hold is over when nobody ended it. */
export const over = 'its lease ran out'
/** A sidecar that ends still says so, within this, milliseconds. */
export const lastWords = 3_000

export class Follower {
  readonly #options: FollowerOptions
  readonly #kind: HoldKind
  #wake: () => void = () => undefined
  /** A hint came since the ledger was last read. */
  #hinted = false
  /** An answer that the ledger has not got yet. */
  #owed: { readonly id: string; readonly answer: HoldAnswer } | undefined
  #down = false

  constructor(options: FollowerOptions, kind: HoldKind) {
    this.#options = options
    this.#kind = kind
  }

  /** Whether the ledger still has to get an answer. */
  get owes(): boolean {
    return this.#owed !== undefined
  }

  /** Look at the ledger now. */
  hint(): void {
    this.#hinted = true
    this.#wake()
  }

  /** The hold that is open; undefined also when the ledger does not answer. */
  async open(signal: AbortSignal): Promise<Hold | undefined> {
    return await this.#ask(async () => await this.#options.ledger.open(signal), signal)
  }

  /** Asks every so many milliseconds whether a hold still stands, and aborts when not; returns why, or undefined at the lease's end. */
  async watch(id: string, until: ChildSignal, every: number): Promise<string | undefined> {
    const { ledger } = this.#options
    while (!until.signal.aborted) {
      await this.settle(until.signal)
      const asked = await this.#ask(async () => ({ hold: await ledger.read(id, until.signal) }), until.signal)
      if (asked !== undefined && asked.hold?.open !== true) {
        until.abort()
        return asked.hold === undefined ? 'the ledger does not know it' : asked.hold.leftMs > 0 ? 'released' : over
      }
      await this.pause(every, until.signal)
    }
    return undefined
  }

  async say(id: string, state: HoldAnswer['state'], reason: string, signal: AbortSignal): Promise<void> {
    this.#owed = { id, answer: { holder: this.#options.holder, kind: this.#kind, state, reason } }
    await this.settle(signal)
  }

  /** Gives the ledger the answer it is owed. */
  async settle(signal: AbortSignal): Promise<void> {
    const owed = this.#owed
    if (owed === undefined || signal.aborted) return
    await this.#ask(async () => {
      await this.#options.ledger.answer(owed.id, owed.answer, signal)
      if (this.#owed === owed) this.#owed = undefined
    }, signal)
  }

  /** Waits, or less where a hint comes. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    using woken = new ChildSignal(signal)
    this.#wake = () => woken.abort()
    if (!this.#hinted) await this.#options.clock.sleep(ms, woken.signal)
    this.#hinted = false
  }

  /** Asks the ledger; undefined when it does not answer, which is reported once. */
  async #ask<T>(question: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      const answer = await question()
      this.#down = false
      return answer
    } catch (error) {
      if (!this.#down && !signal.aborted) this.#options.report('hold.ledger', { reason: reasonOf(error) })
      this.#down = true
      return undefined
    }
  }
}
