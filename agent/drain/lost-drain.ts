// A start without drain.json, as in a new pod: what an earlier sidecar of this node held for its restart is released as soon as
// the node is back, and the cluster compared with what it was.
import type { Config } from '../config.ts'
import type { Sql } from '../../probes/sql.ts'
import type { Report } from '../events.ts'
import { holdOf } from '../hold/hold-ledger.ts'
import type { Clock } from '../loop/clock.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { Session } from '../pg/session.ts'
import { compareWithBefore } from './compare.ts'
import { DrainTrace } from './drain-trace.ts'
import { forgetStop, readLastDrain, readLedgerStop, readOwnStop, stateToCompare } from './last-stop.ts'
import { letGo } from './let-go.ts'
import type { StopState } from './stop-state.ts'
import type { DrainTally } from './tally.ts'

/** Between two looks, milliseconds: clients may be waiting. */
const pause = 250

export interface LostDrainOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  readonly readings: ReadingStore
  readonly tally: DrainTally
  /** Sessions on this node and on the coordinator. */
  readonly local: Session
  readonly ledger: Session
  /** A drain is known here: that one knows what it has to release. */
  readonly drains: () => boolean
  /** Whether this sidecar is the one that serves this node. */
  readonly alone: (signal: AbortSignal) => Promise<boolean>
}

/** What is known of the server that is up. */
interface Up {
  readonly startedAt: number
  readonly systemIdentifier: string
  readonly inRecovery: boolean
}

/** Works until the node is back and nothing of an earlier drain stands, or the signal aborts. @throws never. */
export async function endLostDrain(options: LostDrainOptions, signal: AbortSignal): Promise<void> {
  const { clock, drains, readings } = options
  let upSince: number | undefined
  let leaving: number | undefined
  while (!signal.aborted && !drains()) {
    const up = whoIsUp(readings)
    if (up !== undefined && up.startedAt !== leaving) {
      upSince ??= clock.now()
      const upFor = clock.now() - upSince
      const found = await lookOnce(options, up, upFor, signal)
      if (found === 'over') return
      if (found === 'leaving') leaving = up.startedAt
    }
    await clock.sleep(pause, signal)
  }
}

function whoIsUp(readings: ReadingStore): Up | undefined {
  const alive = readings.get('postgres.alive')?.value
  const identity = readings.get('postgres.identity')?.value
  if (alive === undefined || identity === undefined || alive.startedAt !== identity.startedAt) return undefined
  const { startedAt, inRecovery } = alive
  return { startedAt, inRecovery, systemIdentifier: identity.systemIdentifier }
}

/** `leaving`: this is still the run that is about to end; `again`: somebody did not answer. */
async function lookOnce(
  options: LostDrainOptions,
  up: Up,
  upFor: number,
  signal: AbortSignal,
): Promise<'over' | 'leaving' | 'again'> {
  const { config, local, ledger, alone, report, tally } = options
  const bounds = { timeout: config.statementTimeout, signal }
  const here = local.sql(bounds)
  const there = config.role === 'standalone' ? undefined : ledger.sql(bounds)
  try {
    if (!(await alone(signal))) return 'again'
    const own = up.inRecovery ? undefined : await readOwnStop(here, config.node)
    let before = stateToCompare(own, undefined)
    try {
      before ??= there === undefined ? undefined : stateToCompare(own, await readLedgerStop(there, config.node))
      if (before?.run === up.startedAt) return 'leaving'
      if (there !== undefined) {
        if (!(await release(there, before, up, upFor, options))) return 'again'
        const last = await readLastDrain(there, config.node)
        if (last !== undefined) tally.recall(last)
      }
    } catch (error) {
      // Longer than a lease lasts no hold is left to release, and the comparison does not wait for the ledger any more.
      if (upFor <= config.holdMax) throw error
    }
    if (options.drains()) return 'over'
    if (before !== undefined && !up.inRecovery) {
      const found = await compareWithBefore(before, here, config.role !== 'standalone')
      if (found.length > 0) report('drain.different', { operation: before.operation ?? '', differences: found })
    }
    await forgetStop(here, there, config.node)
    return 'over'
  } catch {
    return 'again'
  }
}

/** A server that is not the one that left gets no traffic: the lease then ends by itself. Resolves with false where clients wait on. */
async function release(
  ledger: Sql,
  before: StopState | undefined,
  { systemIdentifier }: Up,
  upFor: number,
  { config, report, drains, tally }: LostDrainOptions,
): Promise<boolean> {
  const hold = await holdOf(ledger, config.node, before?.operation)
  // Asked for by a drain that began meanwhile.
  if (hold === undefined || drains()) return true
  if ((before?.systemIdentifier ?? hold.systemIdentifier) !== systemIdentifier) return true
  const { id: operation, heldMs, traceparent } = hold
  const trace = new DrainTrace(config.node)
  return await trace.returning({ id: operation, ...(traceparent !== null && { traceparent }) }, async () => {
    if (!(await letGo({ ledger, config, report }, { operation, systemIdentifier, backFor: upFor }))) return false
    const waitedMs = Math.round(heldMs)
    tally.back(waitedMs)
    report('drain.back', { operation, waitedMs })
    // Told once it is so: until then it is looked again and again.
    trace.returned()
    return true
  })
}
