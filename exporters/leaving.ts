// How this node leaves and what it holds, as numbers for whoever exports them; times in milliseconds.

/** `released`: by who asked for it; `expired`: its lease ran out first; `failed`: it was never reached. */
export const holdOutcomes = ['released', 'expired', 'failed'] as const

export type HoldOutcome = (typeof holdOutcomes)[number]

export interface HoldFigures {
  /** Since when clients are held, milliseconds since 1970; undefined while they are not. */
  readonly since: number | undefined
  /** The longest that a hold may last. */
  readonly maxMs: number
  /** Holds that are over, since this sidecar started. */
  readonly ended: Readonly<Record<HoldOutcome, number>>
}

/** How often something with these labels happened since this sidecar started. */
export interface Count {
  readonly labels: Readonly<Record<string, string>>
  readonly count: number
}

export interface DrainFigures {
  /** Since when a drain goes on, milliseconds since 1970: from its first phase until the node is back or PostgreSQL is gone. */
  readonly since: number | undefined
  readonly graceMs: number
  readonly graceTooShort: boolean
  /** By cause and outcome: complete, undone, cancelled. */
  readonly drains: readonly Count[]
  /** By cause, phase and outcome: done, failed, skipped. */
  readonly phases: readonly Count[]
  /** The last drain that ended, also one that an earlier process of this sidecar ran. */
  readonly last: LastDrain | undefined
  /** How long clients were held for the last return. */
  readonly lastWaitMs: number | undefined
  readonly uncleanStops: number
  /** How PostgreSQL last stopped; undefined where its data directory is not visible or nobody looked. */
  readonly lastStop: { readonly clean: boolean; readonly unarchived: number } | undefined
}

export interface LastDrain {
  /** Nothing was left undone. */
  readonly complete: boolean
  /** Milliseconds since 1970. */
  readonly endedAt: number
  readonly ms: number
  readonly phaseMs: Readonly<Record<string, number>>
}
