// What a drain works with: settings, time, readings, its sessions, and what it tells.
import type { Config } from '../config.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { Session } from '../pg/session.ts'
import type { FoundCause } from './cause.ts'
import type { DrainTally } from './tally.ts'

export interface DrainOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  readonly readings: ReadingStore
  readonly tally: DrainTally
  /** Sessions of its own: on this node for the phases and for sweeping, on the coordinator for the ledger. */
  readonly local: Session
  readonly sweep: Session
  /** On this node too, and held all the time. */
  readonly held: Session
  readonly ledger: Session
  /** On the coordinator too, for what nobody waits for. */
  readonly notes: Session
  /** Why the node stops, and how long the pod has, as far as anybody knows. */
  readonly findCause: (signal: AbortSignal) => Promise<FoundCause>
  /** The grace period of the pod as the API said before, milliseconds. */
  readonly podGraceMs: () => number | undefined
  /** Something that is shown has changed. */
  readonly onChange: () => void
}
