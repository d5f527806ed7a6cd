// How the removal of a node stands, and which nodes are gone with shards, as numbers for whoever exports them.

export const removalOutcomes = ['succeeded', 'failed', 'refused', 'cancelled'] as const

export interface RemovalFigures {
  readonly active: boolean
  /** Bytes still to be moved; undefined while nobody says. */
  readonly leftBytes: number | undefined
  readonly totalBytes: number | undefined
  /** Removals that ended, since this sidecar started. */
  readonly ended: Readonly<Record<(typeof removalOutcomes)[number], number>>
}

/** A registered worker, and how many shards are nowhere else while it is gone; 0 while it is there. */
export interface LostMember {
  readonly member: string
  readonly shards: number
}
