// What `citus-sidecar top` asks and is told: names are API.

export const topKinds = ['client', 'task'] as const
export const topOrders = ['total', 'mean', 'p95', 'count', 'errors'] as const

export type TopKind = (typeof topKinds)[number]
export type TopOrder = (typeof topOrders)[number]

/** The most that may be asked. */
export const mostMinutes = 60
export const mostShown = 100

export interface TopQuery {
  /** Whole minutes to look back; the one that goes on comes on top. */
  readonly minutes: number
  readonly by: TopOrder
  readonly limit: number
  /** `client`: statements of applications; `task`: what Citus sent to this node for them. */
  readonly kind: TopKind
}

/** Durations in milliseconds; null where none is known, as of statements that failed who knows how long after they began. */
export interface ShapeNumbers {
  readonly count: number
  /** How many of them failed, and by SQLSTATE: five of these, the rest as `other`. */
  readonly errors: number
  readonly codes: Readonly<Record<string, number>>
  readonly totalMs: number
  readonly meanMs: number | null
  /** Within 4.4 %. */
  readonly p95Ms: number | null
  readonly maxMs: number | null
  /** Statements of which a command is known to have gone to another node, and all commands of all; of those that are logged. */
  readonly distributed: number
  readonly tasks: number
  /** How often each shard was named: eight of these, the rest as `other`. */
  readonly shards: Readonly<Record<string, number>>
}

export interface TopShape extends ShapeNumbers {
  readonly id: string
  readonly summary: string
  /** Without literals. */
  readonly text: string
}

/** Times in milliseconds since 1970. */
export interface TopCounts extends TopQuery {
  readonly from: number
  readonly to: number
  readonly shapes: readonly TopShape[]
  /** What is counted and not shown: shapes beyond the limit, and those for which there was no room. */
  readonly other: ShapeNumbers
  readonly all: ShapeNumbers
}

/** Why statements are not read, or not all of them, and what to do. */
export interface Unread {
  readonly reason: string
  readonly action: string
}

export interface TopReport extends TopCounts {
  readonly node: string
  /** Of the log, since its reader started. */
  readonly log: { readonly lines: number; readonly malformed: number; readonly skippedBytes: number }
  /** null where all is well. */
  readonly unread: Unread | null
}
