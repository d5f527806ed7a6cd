// A pooler's part in a hold: follows the ledger, pauses PgBouncer under a lease, resumes it on release or at the lease's end.
// While it holds the coordinator may be away: then the lease alone decides.
import type { HoldFigures, HoldOutcome } from '../../exporters/leaving.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Console } from './console.ts'
import { OperationTrace } from '../tracing/operation-trace.ts'
import { Follower, lastWords, over } from './follower.ts'
import type { FollowerOptions } from './follower.ts'
import type { Hold } from './hold-ledger.ts'
import { HoldTally } from './hold-tally.ts'
import { readLease, removeLease, writeLease } from './lease-file.ts'
import type { Lease } from './lease-file.ts'
import { pauseOnce } from './pause.ts'
import type { Promptness } from './promptness.ts'
import { calmDown, resumeAtLast } from './resume.ts'

export interface PoolHoldOptions extends FollowerOptions {
  readonly console: Console
  readonly promptness: Promptness
  readonly runDir: string
  /** Databases to pause now, or why this pooler cannot hold. */
  readonly targets: () => { readonly databases: readonly string[] } | { readonly unfit: string }
  /** What is held, or how, has changed. */
  readonly onChange?: () => void
  readonly limits: {
    readonly holdMax: number
    readonly pauseTry: number
    readonly pauseBreak: number
    /** How often the ledger is read while no hold is known. */
    readonly interval: number
  }
}

/** How often the ledger is read while clients wait, and how often it is looked whether they still do, milliseconds. */
const watchEvery = 100
const checkEvery = 500
/** So long after RESUME servers may be found late, because their names lead elsewhere for a while, milliseconds. */
const returnTime = 30_000

/** What is being held now. */
export interface Holding {
  readonly lease: Lease
  readonly paused: boolean
}

export class PoolHold {
  readonly #options: PoolHoldOptions
  readonly #follower: Follower
  readonly #tally = new HoldTally()
  #holding: Holding | undefined
  #since: number | undefined
  /** Whether PgBouncer may be paused by us: a lease lies there. */
  #leased = false
  #returning: { readonly stop: ChildSignal; readonly calm: Promise<void> } | undefined
  /** The last hold this sidecar is through with. */
  #done: string | undefined

  constructor(options: PoolHoldOptions) {
    this.#options = options
    this.#follower = new Follower(options, 'pool')
  }

  get holding(): Holding | undefined {
    return this.#holding
  }

  get figures(): HoldFigures {
    return { since: this.#since, maxMs: this.#options.limits.holdMax, ended: this.#tally.ended }
  }

  /** Whether nobody waits because of us, as far as we know. */
  get free(): boolean {
    return !this.#leased
  }

  /** Look at the ledger now. */
  hint(): void {
    this.#follower.hint()
  }

  /** Follows the ledger until the signal aborts; nothing stays paused then. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#inherit(signal)
    while (!signal.aborted) {
      const hold = await this.#follower.open(signal)
      if (hold !== undefined && this.#concerns(hold)) await this.#begin(hold, signal)
      else await this.#follower.pause(this.#follower.owes ? checkEvery : this.#options.limits.interval, signal)
      await this.#follower.settle(signal)
    }
    await this.#returned()
  }

  /** Goes on with the lease of an earlier sidecar, or resumes what it left paused. */
  async #inherit(signal: AbortSignal): Promise<void> {
    const { clock, runDir, limits } = this.#options
    const found = await readLease(runDir, clock.now(), limits.holdMax)
    if (found.state === 'valid') await this.#keep(found.lease, signal)
    if (found.state === 'over') await this.#letGo(found.databases, signal)
  }

  /** Resumes until it has worked or the signal aborts; what cannot be resumed keeps its lease for the next sidecar. */
  async #letGo(databases: readonly string[] | undefined, signal: AbortSignal, trace?: OperationTrace): Promise<void> {
    this.#leased = true
    const resume = async (): Promise<boolean> => await resumeAtLast(this.#options, databases, signal)
    if (!(await (trace?.part('resume', resume) ?? resume()))) return
    this.#leased = false
    await removeLease(this.#options.runDir).catch(() => undefined)
    // Nobody waits for this: the next hold may come at once.
    const stop = new ChildSignal(signal)
    this.#returning = { stop, calm: calmDown(this.#options, returnTime, stop.signal) }
  }

  /** Leaves PgBouncer with the settings it had, whether clients are served or not. */
  async #returned(): Promise<void> {
    if (this.#returning === undefined) return
    using stop = this.#returning.stop
    stop.abort()
    await this.#returning.calm
    this.#returning = undefined
  }

  #show(holding: Holding | undefined): void {
    this.#holding = holding
    this.#since = holding?.paused === true ? (this.#since ?? this.#options.clock.now()) : undefined
    this.#options.onChange?.()
  }

  #concerns({ id, kinds, answers }: Hold): boolean {
    const own = answers.find(({ holder, kind }) => holder === this.#options.holder && kind === 'pool')
    return kinds.includes('pool') && id !== this.#done && (own === undefined || own.state === 'held')
  }

  async #begin(hold: Hold, signal: AbortSignal): Promise<void> {
    const { clock, limits, runDir, targets } = this.#options
    const target = targets()
    const lease = {
      holdId: hold.id,
      endsAt: clock.now() + Math.min(hold.leftMs, limits.holdMax),
      databases: 'databases' in target ? target.databases : [],
      traceparent: hold.traceparent,
    }
    if ('unfit' in target) return await this.#refuse(lease, target.unfit, signal)
    try {
      await writeLease(runDir, lease)
    } catch (error) {
      // Without the file nobody could resume after us.
      return await this.#refuse(lease, `the lease file cannot be written: ${reasonOf(error)}`, signal)
    }
    await this.#keep(lease, signal)
  }

  async #refuse(lease: Lease, reason: string, signal: AbortSignal): Promise<void> {
    this.#tally.add('failed')
    const trace = traceOf(lease)
    trace.within(() => this.#options.report('hold.failed', { hold: lease.holdId, reason }))
    this.#done = lease.holdId
    await trace.within(async () => await this.#follower.say(lease.holdId, 'failed', reason, signal))
    trace.end('failed')
  }

  /** Keeps clients waiting until release or end, and lets them go. */
  async #keep(lease: Lease, signal: AbortSignal): Promise<void> {
    const trace = traceOf(lease)
    trace.end(await this.#keepIn(trace, lease, signal))
  }

  async #keepIn(trace: OperationTrace, lease: Lease, signal: AbortSignal): Promise<HoldOutcome> {
    const { clock } = this.#options
    const begun = clock.now()
    const report: Report = (...said) => trace.within(() => this.#options.report(...said))
    this.#leased = true
    await this.#returned()
    this.#show({ lease, paused: false })
    report('hold.pausing', { hold: lease.holdId, databases: lease.databases })
    let why = over
    using until = new ChildSignal(signal)
    void clock.sleep(lease.endsAt - begun, until.signal).then(() => until.abort())
    const watched = this.#follower.watch(lease.holdId, until, watchEvery).then((reason) => {
      why = reason ?? why
    })
    await this.#hold(trace, lease, until.signal)
    await watched
    const paused = this.#holding?.paused === true
    const last = signal.aborted ? AbortSignal.timeout(lastWords) : signal
    await this.#letGo(lease.databases, last, trace)
    this.#show(undefined)
    this.#done = lease.holdId
    const reason = signal.aborted ? 'the sidecar ends' : why
    report('hold.resumed', { hold: lease.holdId, reason, held: paused, ms: clock.now() - begun })
    const outcome = why !== over || signal.aborted ? 'released' : paused ? 'expired' : 'failed'
    this.#tally.add(outcome)
    const say = async (state: 'released' | 'failed', words: string): Promise<void> =>
      await trace.within(async () => await this.#follower.say(lease.holdId, state, words, last))
    if (paused || why !== over) {
      await say('released', reason)
      return outcome
    }
    report('hold.failed', { hold: lease.holdId, reason: 'transactions did not end in time' })
    await say('failed', 'transactions did not end before the lease did')
    return outcome
  }

  /** Pauses, and pauses again what came back unpaused, until the signal aborts. */
  async #hold(trace: OperationTrace, lease: Lease, signal: AbortSignal): Promise<void> {
    const { clock, console, limits } = this.#options
    const report: Report = (...said) => trace.within(() => this.#options.report(...said))
    const pause = async (): Promise<void> => await pauseOnce(console, lease.databases, limits.pauseTry, clock, signal)
    while (!signal.aborted) {
      try {
        if (!(await this.#isPaused(lease, signal))) await trace.part('pause', pause)
        if (this.#holding?.paused === false) {
          this.#show({ lease, paused: true })
          report('hold.paused', { hold: lease.holdId })
          await trace.within(async () => await this.#follower.say(lease.holdId, 'held', '', signal))
        }
        await clock.sleep(checkEvery, signal)
      } catch (error) {
        if (signal.aborted) return
        report('hold.busy', { hold: lease.holdId, reason: reasonOf(error) })
        await resumeAtLast(this.#options, lease.databases, signal)
        await clock.sleep(limits.pauseBreak, signal)
      }
    }
  }

  /** Whether a pause that was reached still stands: a PgBouncer that was restarted has forgotten it. */
  async #isPaused({ databases }: Lease, signal: AbortSignal): Promise<boolean> {
    if (this.#holding?.paused !== true) return false
    const known = await this.#options.console.databases({ timeout: this.#options.limits.pauseTry, signal })
    return databases.every((name) => known.some((one) => one.name === name && one.paused))
  }
}

function traceOf({ holdId, traceparent }: Lease): OperationTrace {
  return new OperationTrace('pool hold', { 'citus.operation.id': holdId, 'citus.operation.kind': 'hold' }, traceparent)
}
