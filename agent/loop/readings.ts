// The last reading of every probe, in memory; whoever wants to know reads here and never asks the server.
import { EventEmitter } from 'node:events'
import type { ProbeName, Reading, ReadingError, Readings, ReadingTypes } from '../../probes/probe.ts'

interface ReadingEvents {
  /** A probe has ended, well or not. */
  reading: [name: ProbeName]
}

/** What came of one run. */
export type Outcome<T> = { readonly value: T } | { readonly error: ReadingError }

export class ReadingStore extends EventEmitter<ReadingEvents> {
  #readings: Readings = {}

  /** A snapshot; later readings do not change it. */
  all(): Readings {
    return this.#readings
  }

  get<N extends ProbeName>(name: N): Reading<ReadingTypes[N]> | undefined {
    return this.#readings[name] as Reading<ReadingTypes[N]> | undefined
  }

  /** Keeps one outcome; a failure keeps the last value there was. */
  record<N extends ProbeName>(
    name: N,
    outcome: Outcome<ReadingTypes[N]>,
    when: { begunAt: number; takenAt: number; durationMs: number; waitedMs?: number },
  ): void {
    const before = this.get(name)
    const good = 'value' in outcome ? { value: outcome.value, takenAt: when.takenAt } : before?.lastGood
    const reading: Reading<ReadingTypes[N]> = {
      probe: name,
      waitedMs: 0,
      ...when,
      value: 'value' in outcome ? outcome.value : undefined,
      error: 'error' in outcome ? outcome.error : undefined,
      lastGood: good,
      failures: 'value' in outcome ? 0 : (before?.failures ?? 0) + 1,
    }
    this.#readings = { ...this.#readings, [name]: reading }
    this.emit('reading', name)
  }

  /** Forgets a probe that no longer applies to this node. */
  forget(name: ProbeName): void {
    const { [name]: _gone, ...rest } = this.#readings
    this.#readings = rest
  }
}
