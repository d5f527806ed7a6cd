// Counts what drains came to, for the exporters; of this process alone, the ledger has the history.
import type { Count, DrainFigures, LastDrain } from '../../exporters/leaving.ts'
import { clientsWaited } from '../tracing/durations.ts'
import type { Stop } from './clean-stop.ts'
import type { PhaseName } from './machine.ts'
import type { Cause } from './plan.ts'
import { leftUndone } from './record.ts'
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

/** What is known of a drain that ended, here or before this process. */
export type EndedDrain = Pick<DrainRecord, 'startedAt' | 'phases' | 'cancelled' | 'expected'>

function isComplete(drain: EndedDrain): boolean {
  return !drain.cancelled && drain.phases.length > 0 && leftUndone(drain).length === 0
}

export class DrainTally {
  readonly #drains = new Counts()
  readonly #phases = new Counts()
  #last: EndedDrain | undefined
  #lastWaitMs: number | undefined
  #uncleanStops = 0
  #lastStop: Stop | undefined

  phase(cause: Cause, phase: PhaseName, outcome: 'done' | 'failed' | 'skipped'): void {
    this.#phases.add({ cause, phase, outcome })
  }

  /** No phase of it runs any more; returns what it came to. */
  ended(record: DrainRecord): 'cancelled' | 'complete' | 'undone' {
    const outcome = record.cancelled ? 'cancelled' : isComplete(record) ? 'complete' : 'undone'
    this.#drains.add({ cause: record.cause, outcome })
    // What a person called off is no news of how this node leaves.
    if (!record.cancelled) this.#last = record
    return outcome
  }

  /** The last drain that ended; undefined where nobody knows of one. */
  get last(): EndedDrain | undefined {
    return this.#last
  }

  /** A drain that an earlier process ended; what this one has seen is newer. */
  recall(drain: EndedDrain): void {
    if (!drain.cancelled) this.#last ??= drain
  }

  /** How PostgreSQL last stopped; undefined where nobody has seen it. */
  get lastStop(): Stop | undefined {
    return this.#lastStop
  }

  stopped(stop: Stop): void {
    if (!stop.clean) this.#uncleanStops += 1
    this.#lastStop = stop
  }

  back(waitedMs: number): void {
    this.#lastWaitMs = waitedMs
    // Where nobody was held nobody waited.
    if (waitedMs > 0) clientsWaited(waitedMs)
  }

  figures(record: DrainRecord | undefined, { graceSeconds, graceTooShort }: DrainPlan): DrainFigures {
    return {
      since: record?.state === 'back' || record?.state === 'down' ? undefined : record?.startedAt,
      graceMs: graceSeconds * 1_000,
      graceTooShort,
      drains: this.#drains.all(),
      phases: this.#phases.all(),
      last: this.#last === undefined ? undefined : lastOf(this.#last),
      lastWaitMs: this.#lastWaitMs,
      uncleanStops: this.#uncleanStops,
      lastStop: this.#lastStop,
    }
  }
}

function lastOf(drain: EndedDrain): LastDrain {
  const { startedAt, phases } = drain
  const ran = phases.filter(({ state }) => state !== 'skipped')
  // From its first phase on, for that is all that the ledger knows of it: a new process must not tell another time than this one.
  const beganAt = ran[0]?.began ?? startedAt
  const endedAt = Math.max(beganAt, ...ran.map(({ began = startedAt, tookMs }) => began + tookMs))
  const phaseMs = Object.fromEntries(ran.map(({ name, tookMs }) => [name, tookMs]))
  return { complete: isComplete(drain), endedAt, ms: endedAt - beganAt, phaseMs }
}
