// What the coordinator's sidecar does for the whole cluster, wired: node holds, removals, and the watch for workers that are gone.
import type { HoldFigures } from '../exporters/leaving.ts'
import type { LostMember, RemovalFigures } from '../exporters/removal.ts'
import type { Member } from './cluster/ledger.ts'
import type { Config } from './config.ts'
import { reasonOf } from './errors.ts'
import type { Report } from './events.ts'
import { holdForWorkers } from './hold/hold-for-workers.ts'
import type { NodeHold } from './hold/node-hold.ts'
import type { Clock } from './loop/clock.ts'
import type { ReadingStore } from './loop/readings.ts'
import { LostShards } from './removal/lost-shards.ts'
import { Remover } from './removal/remover.ts'
import type { Sessions } from './sessions.ts'

export interface CoordinatingOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  readonly readings: ReadingStore
  readonly sessions: Sessions
  readonly members: () => readonly Member[]
  /** Whether this sidecar is the one that serves its server. */
  readonly alone: (signal: AbortSignal) => Promise<boolean>
  /** Why nothing new is begun: this node is to stop, or in maintenance; undefined when it is. */
  readonly resting: () => string | undefined
}

export interface CoordinatingFigures {
  readonly holds?: { readonly node: HoldFigures }
  readonly removal?: RemovalFigures
  readonly lost?: readonly LostMember[]
}

/** Does nothing beside any other node. */
export class Coordinating {
  readonly #options: CoordinatingOptions
  readonly #nodeHold: NodeHold | undefined
  readonly #remover: Remover
  readonly #lost: LostShards

  constructor(options: CoordinatingOptions) {
    this.#options = options
    const { config, clock, report, sessions, alone, resting } = options
    const primary = (): boolean => this.#primary
    this.#nodeHold = holdForWorkers({ config, clock, report, ledger: sessions.hold, primary, alone })
    this.#remover = new Remover({
      config,
      clock,
      random: Math.random,
      report,
      // While no removal goes on it is asked on a connection that others open all the time.
      ledger: sessions.ledger,
      calls: sessions.remove,
      fit: async (signal) => primary() && (await alone(signal)),
      resting,
    })
    this.#lost = new LostShards(report)
  }

  get figures(): CoordinatingFigures {
    if (this.#nodeHold === undefined) return {}
    return { holds: { node: this.#nodeHold.figures }, removal: this.#remover.figures, lost: this.#lost.found }
  }

  /** Look at the ledger now. */
  hint(): void {
    this.#nodeHold?.hint()
    this.#remover.hint()
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#nodeHold === undefined) return
    await Promise.all([this.#nodeHold.run(signal), this.#remover.run(signal), this.#watch(signal)])
  }

  get #primary(): boolean {
    return this.#options.readings.get('postgres.alive')?.value?.inRecovery === false
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { config, clock, readings, members, sessions, report } = this.#options
    while (!signal.aborted) {
      await clock.sleep(config.registrationInterval, signal)
      const others = {
        members: members(),
        view: readings.get('citus.nodes')?.value,
        peers: readings.get('citus.peers')?.value,
        now: clock.now(),
      }
      // What cannot be asked now is asked at the next look; it is of a coordinator that is itself away, and that is told elsewhere.
      if (!this.#primary || others.view === undefined) continue
      const sql = sessions.ledger.sql({ timeout: config.statementTimeout, signal })
      await this.#lost.look(others, sql).catch((error: unknown) => {
        if (!signal.aborted) report('removal.ledger', { reason: reasonOf(error) })
      })
    }
  }
}
