// Counts how holds ended, for the exporters.
import type { HoldFigures, HoldOutcome } from '../../exporters/leaving.ts'

export class HoldTally {
  readonly #ended: Record<HoldOutcome, number> = { released: 0, expired: 0, failed: 0 }

  add(outcome: HoldOutcome): void {
    this.#ended[outcome] += 1
  }

  get ended(): HoldFigures['ended'] {
    return { ...this.#ended }
  }
}
