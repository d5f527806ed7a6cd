// What the exporters show of removals: whether one goes on, how far it is, and how those before ended.
import { removalOutcomes } from '../../exporters/removal.ts'
import type { RemovalFigures } from '../../exporters/removal.ts'
import type { RemovalOutcome } from './next-step.ts'
import type { Progress } from './progress.ts'

export class RemovalTally {
  readonly #ended = Object.fromEntries(removalOutcomes.map((outcome) => [outcome, 0])) as Record<RemovalOutcome, number>
  #active = false
  #progress: Progress | undefined

  get figures(): RemovalFigures {
    return {
      active: this.#active,
      leftBytes: this.#progress?.leftBytes ?? undefined,
      totalBytes: this.#progress?.totalBytes ?? undefined,
      ended: { ...this.#ended },
    }
  }

  /** None goes on. */
  idle(): void {
    this.#active = false
    this.#progress = undefined
  }

  /** Something was said of the one that goes on. */
  take({ progress, outcome }: { readonly progress?: Progress; readonly outcome?: RemovalOutcome }): void {
    this.#active = outcome === undefined
    this.#progress = outcome === undefined ? (progress ?? this.#progress) : undefined
    if (outcome !== undefined) this.#ended[outcome] += 1
  }
}
