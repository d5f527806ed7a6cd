// Counts what drains came to, for the exporters; of this process alone, the ledger has the history.
import type { Count, DrainFigures } from '../../exporters/leaving.ts'
import type { Stop } from './clean-stop.ts'
import type { DrainEvent, DrainState, PhaseName } from './machine.ts'
import type { Cause } from './plan.ts'
import { viewOf } from './record.ts'
import type { DrainRecord } from './record.ts'
import type { DrainPlan } from './view.ts'

class Counts {
  readonly #counts = new Map<string, Count>()

  add(labels: Readonly<Record<string, string>>): void {
    const key = Object.values(labels).join()
    this.#counts.set(key, { labels, count: (this.#counts.get(key)?.count ?? 0) + 1 })
  }

  all(): readonly Count[] {
    return [...this.#counts.values()]
  }
}

export class DrainTally {
  readonly #drains = new Counts()
  readonly #phases = new Counts()
  #lastPhaseMs: Readonly<Record<string, number>> = {}
  #lastMs: number | undefined
  #lastWaitMs: number | undefined
  #uncleanStops = 0
  #unarchived: number | undefined

  begun(): void {
    this.#lastPhaseMs = {}
  }

  phase(cause: Cause, phase: PhaseName, outcome: 'done' | 'failed' | 'skipped', tookMs: number): void {
    this.#phases.add({ cause, phase, outcome })
    if (outcome !== 'skipped') this.#lastPhaseMs = { ...this.#lastPhaseMs, [phase]: tookMs }
  }

  /** Its last phase was ended by `event`. */
  ended(record: DrainRecord, event: DrainEvent, now: number): void {
    const complete = event === 'passed' && viewOf(record).end?.ok === true
    const outcome = record.cancelled ? 'cancelled' : complete ? 'complete' : 'undone'
    this.#drains.add({ cause: record.cause, outcome })
    this.#lastMs = now - record.startedAt
  }

  stopped({ clean, unarchived }: Stop): void {
    if (!clean) this.#uncleanStops += 1
    this.#unarchived = unarchived
  }

  back(waitedMs: number): void {
    this.#lastWaitMs = waitedMs
  }

  figures(state: DrainState | undefined, { graceSeconds, warnings }: DrainPlan): DrainFigures {
    return {
      active: state !== undefined && state !== 'back' && state !== 'down',
      graceMs: graceSeconds * 1_000,
      graceTooShort: warnings.length > 0,
      drains: this.#drains.all(),
      phases: this.#phases.all(),
      lastPhaseMs: this.#lastPhaseMs,
      lastMs: this.#lastMs,
      lastWaitMs: this.#lastWaitMs,
      uncleanStops: this.#uncleanStops,
      unarchived: this.#unarchived,
    }
  }
}
