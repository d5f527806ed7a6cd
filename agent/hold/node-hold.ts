// The node hold, by the coordinator's sidecar alone: while a worker restarts, writes to it wait on every metadata node.
// It follows the ledger; PostgreSQL itself lets writers go when this sidecar dies or the lease runs out.
import type { HoldFigures, HoldOutcome } from '../../exporters/leaving.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import { OperationTrace } from '../tracing/operation-trace.ts'
import { Follower, lastWords, over } from './follower.ts'
import type { FollowerOptions } from './follower.ts'
import { lastHolder } from './hold-ledger.ts'
import type { Hold } from './hold-ledger.ts'
import { HoldTally } from './hold-tally.ts'
import type { HoldPlan, MetadataNode, NodeLedger } from './node-ledger.ts'
import type { NodeLock } from './node-lock.ts'
import { takeLocks } from './take-locks.ts'
import type { Outcome, TakeOptions } from './take-locks.ts'

export interface NodeHoldOptions extends FollowerOptions {
  readonly ledger: NodeLedger
  /** Whether this sidecar is the one that holds: beside the primary coordinator, and alone there. */
  readonly fit: (signal: AbortSignal) => Promise<boolean>
  readonly lockOn: (node: MetadataNode, group: number) => NodeLock
  readonly limits: {
    readonly holdMax: number
    readonly pauseTry: number
    readonly pauseBreak: number
    readonly force: boolean
    /** How often the ledger is read while no hold is known. */
    readonly interval: number
  }
}

/** How often the ledger is read while a hold is known, and lost locks are looked for, milliseconds. */
const watchEvery = 250
/** The part of the lease in which it is tried: the drain that asked waits for the answer, and goes on without it. */
const triedFor = 1 / 6

export class NodeHold {
  readonly #options: NodeHoldOptions
  readonly #follower: Follower
  readonly #tally = new HoldTally()
  #since: number | undefined
  /** The last hold this sidecar is through with. */
  #done: string | undefined

  constructor(options: NodeHoldOptions) {
    this.#options = options
    this.#follower = new Follower(options, 'node')
  }

  get figures(): HoldFigures {
    return { since: this.#since, maxMs: this.#options.limits.holdMax, ended: this.#tally.ended }
  }

  /** Look at the ledger now. */
  hint(): void {
    this.#follower.hint()
  }

  /** Follows the ledger until the signal aborts; nothing is held then. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { fit, limits } = this.#options
    while (!signal.aborted) {
      const hold = await this.#follower.open(signal)
      const ours = hold !== undefined && this.#concerns(hold) && (await fit(signal).catch(() => false))
      if (ours) await this.#serve(hold, signal)
      else await this.#follower.pause(hold === undefined && !this.#follower.owes ? limits.interval : watchEvery, signal)
      await this.#follower.settle(signal)
    }
  }

  /** A hold that this node said to hold and does not is one that an earlier process of this sidecar held. */
  #concerns({ id, kinds, answers }: Hold): boolean {
    const own = answers.find(({ kind }) => kind === 'node')
    return kinds.includes('node') && id !== this.#done && (own === undefined || own.state === 'held')
  }

  async #serve(hold: Hold, signal: AbortSignal): Promise<void> {
    const { id, member, traceparent } = hold
    const told = { 'citus.operation.id': id, 'citus.operation.kind': 'hold', 'citus.member': member }
    const trace = new OperationTrace('node hold', told, traceparent)
    trace.end(await this.#serveIn(trace, hold, signal))
  }

  async #serveIn(trace: OperationTrace, hold: Hold, signal: AbortSignal): Promise<HoldOutcome> {
    const { clock, limits } = this.#options
    const begun = clock.now()
    const lease = Math.min(hold.leftMs, limits.holdMax)
    let why = over
    using until = new ChildSignal(signal)
    void clock.sleep(lease, until.signal).then(() => until.abort())
    const watched = this.#follower.watch(hold.id, until, watchEvery).then((reason) => {
      why = reason ?? why
    })
    const failed = await this.#hold(trace, hold, begun + lease, until.signal)
    // What failed by itself, not because the hold was over.
    const early = !until.signal.aborted
    until.abort()
    await watched
    const held = this.#since !== undefined
    this.#since = undefined
    this.#done = hold.id
    const reason = signal.aborted ? 'the sidecar ends' : why
    const last = signal.aborted ? AbortSignal.timeout(lastWords) : signal
    const unheld = held || (!early && why !== over) ? undefined : failed
    const outcome = unheld !== undefined ? 'failed' : reason === over ? 'expired' : 'released'
    this.#tally.add(outcome)
    const [state, words] = unheld === undefined ? (['released', reason] as const) : (['failed', unheld] as const)
    await trace.within(async () => {
      const { report } = this.#options
      const kind = 'node'
      if (unheld !== undefined) report('hold.failed', { hold: hold.id, kind, reason: words })
      else report('hold.resumed', { hold: hold.id, kind, reason, ms: clock.now() - begun })
      await this.#follower.say(hold.id, state, words, last)
    })
    return outcome
  }

  /** Holds until the signal aborts; every transaction has ended when it returns. Returns why it could not. */
  async #hold(trace: OperationTrace, hold: Hold, endsAt: number, signal: AbortSignal): Promise<string | undefined> {
    const { clock, ledger, lockOn, limits } = this.#options
    const report: Report = (...said) => trace.within(() => this.#options.report(...said))
    await using stack = new AsyncDisposableStack()
    const giveUpAt = clock.now() + (endsAt - clock.now()) * triedFor
    let plan: HoldPlan | { readonly unfit: string }
    try {
      plan = await trace.part('plan', async () => await ledger.plan(hold.member, signal))
      await trace.part('poolers first', async () => await this.#poolersFirst(hold, giveUpAt, signal))
    } catch (error) {
      return reasonOf(error)
    }
    if ('unfit' in plan) return plan.unfit
    const { group, nodes } = plan
    const locks = nodes.map((node) => stack.use(lockOn(node, group)))
    const onBusy = (reason: string): void => report('hold.busy', { hold: hold.id, kind: 'node', reason })
    const options = { clock, ...limits, endsAt, onBusy }
    // The time the poolers took is theirs: there is as much again for the locks.
    const patience = Math.max((endsAt - clock.now()) * triedFor, limits.pauseTry)
    const take = async (): Promise<Outcome> =>
      await takeLocks(locks, { ...options, giveUpAt: clock.now() + patience }, signal)
    const outcome = await trace.part('pause', take)
    if ('failed' in outcome) return outcome.failed
    const reason = outcome.without.length === 0 ? '' : `not on ${outcome.without.join('; not on ')}`
    this.#since = clock.now()
    report('hold.paused', { hold: hold.id, kind: 'node', nodes: locks.map(({ name }) => name), reason })
    await trace.within(async () => await this.#follower.say(hold.id, 'held', reason, signal))
    await this.#keep(locks, { ...options, giveUpAt: 0 }, signal)
    return undefined
  }

  /** Clients of a pooler that waited for this hold in the middle of a transaction would keep the pooler from pausing. */
  async #poolersFirst(hold: Hold, giveUpAt: number, signal: AbortSignal): Promise<void> {
    const { clock, ledger } = this.#options
    if (!hold.kinds.includes('pool')) return
    let until = giveUpAt
    while (!signal.aborted && clock.now() < until) {
      const { silent, held } = await ledger.poolers(hold.id, signal)
      if (!silent) return
      // Soon nobody waits for the one that is dead or busy, whose clients then have this hold alone.
      if (held) until = Math.min(until, clock.now() + lastHolder / 2)
      await clock.sleep(watchEvery, signal)
    }
  }

  /** Takes again what is lost: a server that restarted has forgotten, one that was away is back. */
  async #keep(locks: readonly NodeLock[], options: TakeOptions, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await options.clock.sleep(watchEvery, signal)
      const lost = locks.filter(({ held }) => !held)
      // Each alone: one that is away must not undo the others.
      for (const lock of lost) if (!signal.aborted) await takeLocks([lock], options, signal)
    }
  }
}
