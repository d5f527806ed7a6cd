// The one registration call of this node that runs, and what ends it early: the node is to stop.
import { ChildSignal } from '../loop/child-signal.ts'
import { Interrupted, runAction } from './operation.ts'
import type { Attempt, OperationOptions } from './operation.ts'
import type { ActionName } from './ledger.ts'

export class Acting {
  /** Why this node is about to stop; undefined while it is not. */
  readonly #draining: () => string | undefined
  #running: ChildSignal | undefined

  constructor(draining: () => string | undefined) {
    this.#draining = draining
  }

  /** Something has changed: a call that runs ends where the node is to stop. PostgreSQL undoes what it did. */
  look(): void {
    const why = this.#draining()
    if (why !== undefined) this.#running?.abort(new Interrupted(why))
  }

  /** Runs one call; resolves with what keeps or kept it from being made where the node is to stop. Never throws. */
  async run(
    action: ActionName,
    because: string,
    options: OperationOptions,
    signal: AbortSignal,
  ): Promise<Attempt | Interrupted> {
    // What permitted the call is older than the questions that were asked since.
    const why = this.#draining()
    if (why !== undefined) return new Interrupted(why)
    using running = new ChildSignal(signal)
    this.#running = running
    try {
      const attempt = await runAction(action, because, options, running.signal)
      const end: unknown = running.signal.reason
      return !attempt.ok && end instanceof Interrupted ? end : attempt
    } finally {
      this.#running = undefined
    }
  }
}
