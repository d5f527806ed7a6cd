// What every way out of the process is given: one snapshot of all there is to tell, taken from memory.
import type { ProbeName, Readings } from '../probes/probe.ts'
import type { TraceFigures } from './traces/counted-spans.ts'
import type { Sample } from './prometheus/sample.ts'
import type { DrainFigures, HoldFigures } from './leaving.ts'
import type { LostMember, RemovalFigures } from './removal.ts'
import type { Join, Maintenance, Verdict } from '../probes/verdicts/verdict.ts'

/** How long operations took, as histograms in seconds. */
export interface Durations {
  readonly operations: readonly Sample[]
  readonly phases: readonly Sample[]
  readonly clientWaits: readonly Sample[]
}

/** How often PostgreSQL has started anew; what cannot be seen is undefined. */
export interface RestartCounts {
  /** By a new postmaster. */
  readonly postmaster: number
  /** Under the same one, after a process had crashed. */
  readonly crash: number | undefined
}

/** All that is known at one moment; times in milliseconds since 1970. */
export interface Snapshot {
  readonly now: number
  readonly node: {
    readonly name: string
    readonly role: string
    readonly host: string
    readonly port: number
    readonly version: string
  }
  readonly readings: Readings
  /** The probes of this node, with what postgres_exporter calls the collector of the same. */
  readonly probes: readonly { readonly name: ProbeName; readonly collector?: string }[]
  /** How much is wrong in the files of own queries; left out where there are to be none. */
  readonly queriesWrong?: number | undefined
  /** Left out beside a PgBouncer. */
  readonly restarts?: RestartCounts | undefined
  readonly live: Verdict
  readonly ready: Verdict
  readonly started: Verdict
  readonly join: Join
  readonly maintenance: Maintenance
  /** Whether the LISTEN session on the coordinator is up. */
  readonly listening: boolean
  /** By the kinds of hold that this sidecar may hold. */
  readonly holds?: Readonly<Partial<Record<'pool' | 'node', HoldFigures>>>
  /** Of a sidecar beside PostgreSQL. */
  readonly leaving?: DrainFigures
  /** Of the coordinator's sidecar. */
  readonly removal?: RemovalFigures
  readonly lost?: readonly LostMember[]
  /** Where traces are on. */
  readonly traces?: TraceFigures | undefined
  /** Of the exporter that asks: scrapes before this one, and how long the last took to render, seconds. */
  readonly scrapes?: { readonly before: number; readonly lastSeconds: number | undefined }
  /** The same: operations that ended since this sidecar started. */
  readonly durations?: Durations | undefined
}
