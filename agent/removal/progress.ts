// How far the move has come and how long it will take, from what was left at each look.

/** Kept in the ledger for whoever watches; bytes and seconds, null where nobody can say. */
export interface Progress {
  readonly totalBytes: number | null
  readonly leftBytes: number | null
  readonly totalShards: number
  readonly leftShards: number
  readonly bytesPerSecond: number | null
  readonly etaSeconds: number | null
  /** What is being moved, for people. */
  readonly moving: string
}

/** What one look found; `at` in milliseconds. */
export interface Look {
  readonly at: number
  readonly leftShards: number
  readonly leftBytes: number | undefined
  readonly moving: string
}

/** The rate is that of the last minute: a shard is copied fast, and then catches up for a while. */
const window = 60_000
/** And of no less than this, milliseconds. */
const least = 2_000

export class ProgressMeter {
  #looks: readonly Look[] = []

  /** Takes a look in; `before` is what the ledger has, which an earlier process may have written. */
  take(look: Look, before: Progress | null): Progress {
    this.#looks = [...this.#looks.filter(({ at }) => look.at - at <= window), look]
    const { leftBytes, leftShards, moving } = look
    const totalShards = Math.max(before?.totalShards ?? 0, leftShards)
    if (leftBytes === undefined)
      return { ...unknown, totalBytes: before?.totalBytes ?? null, totalShards, leftShards, moving }
    // Tables grow while they are moved.
    const totalBytes = Math.max(before?.totalBytes ?? 0, leftBytes)
    const rate = this.#rate()
    const etaSeconds = rate === undefined || rate <= 0 ? null : Math.round(leftBytes / rate)
    return { totalBytes, leftBytes, totalShards, leftShards, bytesPerSecond: rate ?? null, etaSeconds, moving }
  }

  /** Another removal: what was seen of the one before says nothing. */
  reset(): void {
    this.#looks = []
  }

  #rate(): number | undefined {
    const known = this.#looks.filter(({ leftBytes }) => leftBytes !== undefined)
    const [first] = known
    const last = known.at(-1)
    if (first?.leftBytes === undefined || last?.leftBytes === undefined || last.at - first.at < least) return undefined
    return Math.max(0, Math.round((first.leftBytes - last.leftBytes) / ((last.at - first.at) / 1_000)))
  }
}

const unknown = { leftBytes: null, bytesPerSecond: null, etaSeconds: null } as const
