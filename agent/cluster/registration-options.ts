// What the registration is given to work with.
import type { ProbeName } from '../../probes/probe.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { Session } from '../pg/session.ts'
import type { CoordinatorLocator } from './coordinator.ts'
import type { HeartbeatOptions } from './heartbeat.ts'
import type { NotebookKeeperOptions } from './notebook-keeper.ts'

export interface RegistrationOptions extends HeartbeatOptions, NotebookKeeperOptions {
  readonly random: () => number
  readonly readings: ReadingStore
  readonly locator: CoordinatorLocator
  /** Session of its own on the coordinator for calls that change metadata. */
  readonly operation: Session
  /** What notebook and ledger say of the maintenance switch, before anything is done. */
  readonly hearMaintenance: (...copies: readonly unknown[]) => Promise<void>
  /** Whether this sidecar is the one that serves this node. */
  readonly alone: () => Promise<boolean>
  /** Why this node neither registers nor notes anything now: it is being drained; undefined when it is not. */
  readonly draining: () => string | undefined
  readonly look: (...names: readonly ProbeName[]) => void
  /** Where this node stands has been judged anew. */
  readonly onJudged: () => void
}
