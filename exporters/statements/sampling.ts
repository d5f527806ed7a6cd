// Which statements get spans of their own: those whose callers asked for it, and those that were slow or failed; never more than so many
// a minute, whatever callers ask for.
import { PerMinute } from '../per-minute.ts'
import type { Statement, TraceContext } from './statement.ts'

export interface SamplingOptions {
  /** Spans a minute because of callers, and because a statement was slow or failed. */
  readonly perMinute: number
  readonly ownPerMinute: number
  /** From so long on a statement is slow, milliseconds. */
  readonly slowMs: number
}

/** Why a statement gets a span, and under what; a new trace where there is no parent. */
export interface Sampled {
  readonly reason: 'caller' | 'slow' | 'failed'
  readonly parent: TraceContext | undefined
  /** Who called, but did not ask for a span or asked for too many. */
  readonly caller: TraceContext | undefined
}

/** Decides, within what is allowed in a minute. */
export class Sampling {
  readonly #slowMs: number
  readonly #asked: PerMinute
  readonly #own: PerMinute
  #capped = 0

  constructor({ perMinute, ownPerMinute, slowMs }: SamplingOptions) {
    this.#slowMs = slowMs
    this.#asked = new PerMinute(perMinute)
    this.#own = new PerMinute(ownPerMinute)
  }

  /** Spans that were not made because a minute had enough of them. */
  get capped(): number {
    return this.#capped
  }

  /** Whether a statement under this parent gets a span, with one for each of its commands. */
  under(parent: TraceContext, commands: number, now: number): Sampled | undefined {
    if (!parent.sampled) return undefined
    if (this.#asked.take(1 + commands, now)) return { reason: 'caller', parent, caller: undefined }
    this.#capped += 1 + commands
    return undefined
  }

  /** Whether one gets a span that nobody asked for, because of how it went; a trace of its own with a link to its caller. */
  alone(statement: Statement, now: number): Sampled | undefined {
    const { failed, startedAt, endedAt, context: caller } = statement
    const reason =
      failed !== undefined ? 'failed' : endedAt - startedAt >= this.#slowMs && this.#slowMs > 0 ? 'slow' : undefined
    if (reason === undefined) return undefined
    if (this.#own.take(1, now)) return { reason, parent: undefined, caller }
    this.#capped += 1
    return undefined
  }

  /** Of a client's statement. */
  of(statement: Statement, now: number): Sampled | undefined {
    const { context, commands } = statement
    const asked = context === undefined ? undefined : this.under(context, commands.length, now)
    return asked ?? this.alone(statement, now)
  }
}
