// What the thread that reads the log tells of statements and of itself, as plain numbers for whoever exports them: all since it started.
import type { SpanIds } from './server-span.ts'
import type { Statement } from './statement.ts'

export type StatementKind = Statement['kind']

/** Upper bounds of the histograms' buckets, seconds: https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientoperationduration */
export const durationBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const

/** The bucket of a duration, seconds; one after the last bound for what took longer. */
export function durationBucket(seconds: number): number {
  const at = durationBounds.findIndex((bound) => seconds <= bound)
  return at === -1 ? durationBounds.length : at
}

/** Statements of one kind and shape; or, as shape `other`, all that are not told by themselves. */
export interface ShapeFigures {
  readonly kind: StatementKind
  readonly shape: string
  readonly summary: string
  readonly count: number
  readonly seconds: number
  readonly errors: number
  /** Commands that Citus sent or ran for them; undefined where none was ever logged. */
  readonly tasks: number | undefined
}

/** A span that was told of a statement: how long it took, seconds, and when it ended, milliseconds since 1970. */
export interface ToldStatement extends SpanIds {
  readonly seconds: number
  readonly at: number
}

/** By bucket, the last one that was told. */
export type LastTold = readonly (ToldStatement | undefined)[]

/** Statements by how long they took, where that is known. */
export interface DurationFigures {
  readonly kind: StatementKind
  /** As many as there are bounds, and one for what took longer; none counts in two. */
  readonly counts: readonly number[]
  readonly seconds: number
  /** Where traces are on. */
  readonly lastTold?: LastTold | undefined
}

/** By words of which there are few, such as reasons. */
export type Counts = Readonly<Record<string, number>>

export interface ReaderFigures {
  /** Lines read, and those of them that were none of jsonlog, by reason. */
  readonly lines: number
  readonly malformed: Counts
  /** Bytes passed over unread, being too much. */
  readonly skippedBytes: number
  /** Statements put together from lines, by kind. */
  readonly statements: Counts
  /** How often the thread had to be started again. */
  readonly restarts: number
}

export interface SpanFigures {
  readonly made: number
  /** By reason. */
  readonly dropped: Counts
}

export interface LinkFigures {
  /** By method. */
  readonly resolved: Counts
  /** By reason. */
  readonly unresolved: Counts
  /** How much later it is on the clocks of peers, seconds. */
  readonly clockOffsets: Readonly<Record<string, number>>
}

export interface StatementFigures {
  readonly shapes: readonly ShapeFigures[]
  readonly durations: readonly DurationFigures[]
  readonly reader: ReaderFigures
  /** Where traces are on. */
  readonly spans?: SpanFigures
  readonly links?: LinkFigures
}
