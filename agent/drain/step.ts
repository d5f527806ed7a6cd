// What a phase of a drain gets to work with, and how it says that something was left undone.
import type { Sql } from '../../probes/sql.ts'
import type { Config } from '../config.ts'
import { SidecarError } from '../errors.ts'
import type { Hold } from '../hold/hold-ledger.ts'
import type { Clock } from '../loop/clock.ts'
import type { FoundCause } from './cause.ts'
import type { Cause, NodeKind } from './plan.ts'

/** A phase ended without having done all; the drain goes on, the reason stays. */
export class LeftUndone extends Error {
  override name = 'LeftUndone'
}

export interface StepContext {
  readonly config: Config
  readonly clock: Clock
  /** The operation's id, which is that of its hold too. */
  readonly id: string
  readonly kind: NodeKind
  readonly cause: Cause
  readonly findCause: (signal: AbortSignal) => Promise<FoundCause>
  readonly setCause: (found: FoundCause) => void
  /** Milliseconds this phase has. */
  readonly budgetMs: number
  /** This node's server. */
  readonly local: Sql
  /** The ledger on the coordinator. */
  readonly ledger: Sql
  /** The hold that stands, as last seen. */
  readonly hold: () => Hold | undefined
  readonly keepHold: (hold: Hold) => void
  /** Puts the state on record outside of this server too; resolves with why the ledger does not have it. */
  readonly keepState: (state: unknown) => Promise<string | undefined>
}

/** One phase; resolves with a sentence on what was done. @throws LeftUndone or what a query throws. */
export type Step = (context: StepContext, signal: AbortSignal) => Promise<string>

/** Does something; where the phase has no time left by then, what is left is the reason. @throws LeftUndone, or what it throws itself. */
export async function orLeave<T>(left: () => string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!signal.aborted) throw error
    throw new LeftUndone(left())
  }
}

/** Everything written so far is on disk. @throws LeftUndone, or what the server says. */
export async function checkpoint({ local }: StepContext, signal: AbortSignal): Promise<void> {
  await orLeave(
    () => 'the checkpoint did not end in time',
    signal,
    async () => await local.query('select citus_sidecar.checkpoint()'),
  )
}

/** Asks again and again until `done` says something; pauses in between. @throws the signal's reason when the time is up. */
export async function until<T>(
  done: () => Promise<T | undefined>,
  pauseMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    if (signal.aborted) throw new SidecarError('QUERY_TIMEOUT', 'its time was up')
    const found = await done()
    if (found !== undefined) return found
    await clock.sleep(pauseMs, signal)
  }
}
