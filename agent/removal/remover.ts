// Carries removals out, beside the coordinator alone: it reads how a removal stands, does the one thing that is next, and looks again.
// Nothing here remembers a step that it has to finish; a crash anywhere costs the time until somebody looks again.
import type { RemovalFigures } from '../../exporters/removal.ts'
import type { Sql } from '../../probes/sql.ts'
import { isRetryable } from '../cluster/operation.ts'
import { beLong, takeTurn } from '../cluster/turn.ts'
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { delayOf } from '../loop/backoff.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Clock } from '../loop/clock.ts'
import type { Session } from '../pg/session.ts'
import { OperationTrace } from '../tracing/operation-trace.ts'
import { carryOn } from './carry-on.ts'
import type { StepResult } from './carry-on.ts'
import { ProgressMeter } from './progress.ts'
import { forgetRemoved, noteRemoval, openRemoval } from './removal-ledger.ts'
import type { Removal } from './removal-ledger.ts'
import { RemovalTally } from './removal-tally.ts'

export interface RemoverOptions {
  readonly config: Config
  readonly clock: Clock
  readonly random: () => number
  readonly report: Report
  /** On-demand session on the coordinator. */
  readonly ledger: Session
  /** A second one for what takes long. */
  readonly calls: Session
  /** Whether this sidecar is the one that carries removals out. */
  readonly fit: (signal: AbortSignal) => Promise<boolean>
  /** Why nothing is done now; undefined when it is. */
  readonly resting: () => string | undefined
}

/** How often a removal that goes on is looked at, milliseconds. */
const lookEvery = 2_000
/** Between tries of a step that failed, milliseconds. */
const retry = { base: 2_000, cap: 30_000 }
/** What does not look as if it passes by itself is tried so often: a look may be older than what somebody did. */
const mostTries = 3

export class Remover {
  readonly #options: RemoverOptions
  readonly #tally = new RemovalTally()
  readonly #meter = new ProgressMeter()
  #wake: () => void = () => undefined
  #hinted = false
  #failures = 0
  #down = false
  /** The removal that was last looked at, and what was last said of it. */
  #last = { id: '', phase: '', reason: '' }
  #trace: OperationTrace | undefined

  constructor(options: RemoverOptions) {
    this.#options = options
  }

  get figures(): RemovalFigures {
    return this.#tally.figures
  }

  /** Look at the ledger now. */
  hint(): void {
    this.#hinted = true
    this.#wake()
  }

  /** Follows the ledger until the signal aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = await this.#round(signal)
      using woken = new ChildSignal(signal)
      this.#wake = () => woken.abort()
      if (!this.#hinted) await this.#options.clock.sleep(pause, woken.signal)
      this.#hinted = false
    }
  }

  /** Does what is due; returns for how long nothing is, milliseconds. Who asks for a removal notifies: while none goes on, looking by itself is for lost notifications. */
  async #round(signal: AbortSignal): Promise<number> {
    const { config, fit, report } = this.#options
    try {
      const ledger = this.#ledger(signal)
      const removal = await openRemoval(ledger)
      this.#down = false
      if (removal === undefined) this.#tally.idle()
      if (!(await fit(signal))) return config.heartbeatInterval
      if (removal !== undefined) return await this.#work(removal, signal)
      for (const member of await forgetRemoved(ledger)) report('member.forgotten', { member })
    } catch (error) {
      if (!this.#down && !signal.aborted) report('removal.ledger', { reason: reasonOf(error) })
      this.#down = true
      return config.registrationInterval
    }
    return config.heartbeatInterval
  }

  /** Takes the removal one step further. @throws as the ledger does. */
  async #work(removal: Removal, signal: AbortSignal): Promise<number> {
    const { calls, config, clock, resting, random } = this.#options
    if (this.#last.id !== removal.id) {
      this.#last = { id: removal.id, phase: removal.phase, reason: '' }
      this.#failures = 0
      this.#meter.reset()
      this.#trace = undefined
    }
    const trace = (this.#trace ??= traceOf(removal))
    const rest = resting()
    if (rest !== undefined)
      return await this.#say(removal, { phase: removal.phase, reason: rest, again: false }, signal)
    const session = calls.sql({ timeout: config.registrationTimeout, signal })
    // Each query in the phase that has been entered by then.
    const long: Sql = { query: async (...asked) => await trace.within(async () => await session.query(...asked)) }
    const tools = {
      long,
      turn: async () => await takeTurn(long, config),
      meter: this.#meter,
      now: () => clock.now(),
      enter: async (phase: string) => void (await this.#say(removal, { phase, reason: '', again: true }, signal)),
    }
    let result: StepResult
    try {
      await beLong(long, config)
      result = await carryOn(removal, tools)
      this.#failures = 0
    } catch (error) {
      if (signal.aborted) return 0
      this.#failures += 1
      const found = { phase: this.#last.phase, reason: reasonOf(error), trouble: true, again: false }
      const final = this.#failures >= mostTries && !isRetryable(error)
      if (final) trace.failed(error)
      else trace.trouble(error)
      const pause = await this.#say(removal, final ? { ...found, outcome: 'failed' } : found, signal)
      return pause + delayOf(this.#failures, retry, random)
    } finally {
      // The turn and the limits end with the session.
      await calls.close()
    }
    return await this.#say(removal, result, signal)
  }

  /** Tells ledger, metrics and log; returns how long nothing is due. */
  async #say(removal: Removal, { again, trouble, ...said }: StepResult, signal: AbortSignal): Promise<number> {
    const { id, member } = removal
    const trace = this.#trace
    const traceparent = trace?.traceparent
    await noteRemoval(this.#ledger(signal), { id, ...said, ...(traceparent !== undefined && { traceparent }) })
    this.#tally.take(said)
    const { phase, reason, outcome } = said
    const report: Report = (...told) =>
      trace === undefined ? this.#options.report(...told) : trace.within(() => this.#options.report(...told))
    if (phase !== this.#last.phase) trace?.enter(phase)
    if (outcome !== undefined) report(`removal.${outcome}`, { removal: id, member, reason })
    else if (phase !== this.#last.phase) report('removal.phase', { removal: id, member, phase })
    else if (reason !== '' && reason !== this.#last.reason)
      report(trouble === true ? 'removal.trouble' : 'removal.waiting', { removal: id, member, phase, reason })
    this.#last = { id, phase, reason }
    if (outcome !== undefined) {
      trace?.end(outcome)
      this.#trace = undefined
    }
    return again || outcome !== undefined ? 0 : lookEvery
  }

  #ledger(signal: AbortSignal): Sql {
    return this.#options.ledger.sql({ timeout: this.#options.config.statementTimeout, signal })
  }
}

function traceOf({ id, member, phase, traceparent, requestedAt: startedAt }: Removal): OperationTrace {
  const told = { 'citus.operation.id': id, 'citus.operation.kind': 'remove', 'citus.member': member }
  const trace = new OperationTrace('remove', told, undefined, { traceparent, startedAt })
  trace.enter(phase)
  return trace
}
