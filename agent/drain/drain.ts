// A drain of this node: begun by hook or command, kept on disk, ended by PostgreSQL's return; one at a time.
import type { DrainFigures } from '../../exporters/leaving.ts'
import { reasonOf } from '../errors.ts'
import type { Hold } from '../hold/hold-ledger.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import { sayHowItStopped } from './clean-stop.ts'
import { keepNewcomersAway } from './clients.ts'
import type { FoundCause } from './cause.ts'
import { heldWhereFull } from './held-where-full.ts'
import { compare, owesReturn, release } from './come-back.ts'
import { DrainLedger } from './drain-ledger.ts'
import type { DrainOptions } from './drain-options.ts'
import { DrainTrace } from './drain-trace.ts'
import { sayHowItEnded } from './ended.ts'
import { interruptions, isPhase, keepsAway, step } from './machine.ts'
import type { DrainEvent, PhaseName } from './machine.ts'
import { patientSql } from './patient-sql.ts'
import { drainTiming, planDrain, totalMs } from './plan.ts'
import type { PlannedPhase, PlanOptions } from './plan.ts'
import { loadRecord, newRecord, saveRecord, viewOf } from './record.ts'
import type { DrainRecord } from './record.ts'
import { PhaseRun } from './run-phase.ts'
import { steps } from './steps.ts'
import { hasReturned, kindOf, pauseFor, whereabouts } from './whereabouts.ts'
import type { DrainPlan, DrainView } from './view.ts'
import { describePlan } from './describe-plan.ts'

/** Phases after that in which clients have gone. */
const swept: ReadonlySet<PhaseName> = new Set(['settle', 'flush', 'keep'])

export class Drain {
  readonly #options: DrainOptions
  readonly #notes: DrainLedger
  readonly #trace: DrainTrace
  #record: DrainRecord | undefined
  #hold: Hold | undefined
  #backSince: number | undefined
  #phase: PhaseRun | undefined
  #wake = Promise.withResolvers<void>()
  /** Ends when every state so far is on disk. */
  #saved = Promise.resolve(true)

  constructor(options: DrainOptions) {
    const trace = new DrainTrace(options.config.node)
    this.#trace = trace
    this.#options = { ...options, report: (...said) => trace.within(() => options.report(...said)) }
    this.#notes = new DrainLedger(options)
  }

  /** How the drain stands that is going on, or the last one. */
  get view(): DrainView | undefined {
    const record = this.#record
    return record === undefined ? undefined : viewOf(record)
  }

  /** Why new clients are to stay away; undefined while they need not. */
  get away(): string | undefined {
    const record = this.#record
    if (record === undefined || !keepsAway(record.state)) return undefined
    return `this node is being drained (${record.cause}) since ${new Date(record.startedAt).toISOString()}`
  }

  get figures(): DrainFigures {
    return this.#options.tally.figures(this.#record, this.plan())
  }

  /** Until when this sidecar is needed whatever it is told, milliseconds since 1970; undefined when it is not. */
  get neededUntil(): number | undefined {
    const record = this.#record
    return record === undefined || record.state === 'back' || record.state === 'down'
      ? undefined
      : record.endsAt + this.#options.config.stopReserve
  }

  /** Begins a drain, or joins the one that is going on; who hears of it finds the same after a kill, too. */
  async begin(): Promise<DrainView> {
    const record = this.#begun()
    await this.#saved
    return viewOf(record)
  }

  #begun(): DrainRecord {
    const { clock, readings, report } = this.#options
    if (this.#record !== undefined && this.#record.state !== 'back') {
      this.#apply('asked')
      return this.#record
    }
    const { timing } = this
    this.#hold = undefined
    this.#backSince = undefined
    const record = newRecord(clock.now(), totalMs(timing), readings)
    const traceparent = this.#trace.begin(record)
    this.#record = traceparent === undefined ? record : { ...record, traceparent }
    report('drain.started', { operation: this.#record.id, endsInMs: totalMs(timing), graceMs: timing.graceMs })
    this.#changed()
    if (!isPhase(record.state)) this.#trace.ended('down', {}, this.#saved)
    return this.#record
  }

  /** Brings the node back; undefined when no drain is going on. */
  cancel(): DrainView | undefined {
    if (this.#record === undefined || this.#record.state === 'back') return undefined
    this.#record = { ...this.#record, cancelled: true }
    this.#apply('cancelled')
    return viewOf(this.#record)
  }

  /** The time there is for a drain that begins now. */
  get timing(): PlanOptions {
    return drainTiming(this.#options.config, this.#options.podGraceMs())
  }

  /** What a drain would do now, as far as is known; it says so where the server has not answered since it was asked, milliseconds. */
  plan(askedAt = 0): DrainPlan {
    const { clock, podGraceMs, readings, tally } = this.#options
    const found = { last: tally.last, reading: readings.get('postgres.stop-cost'), podGraceMs: podGraceMs(), askedAt }
    return describePlan({ ...this.#options, ...found, kind: kindOf(this.#options), now: clock.now() })
  }

  /** A reading arrived that may say that PostgreSQL went or returned. */
  look(): void {
    const event = this.#record === undefined ? undefined : whereabouts(this.#record, this.#options.readings)
    if (event !== undefined) this.#apply(event)
  }

  /** Takes up the drain that an earlier process of this sidecar left; before anybody can ask for one. */
  async load(): Promise<void> {
    const record = await loadRecord(this.#options.config.runDir)
    this.#record = record
    if (record === undefined) return
    if (isPhase(record.state)) this.#trace.begin(record)
    else this.#options.tally.recall(record)
  }

  /** Works until the signal aborts. @throws never. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const telling = this.#notes.run(signal)
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>()
      this.look()
      const state = this.#record?.state
      if (state !== undefined && isPhase(state)) await this.#runPhase(state, signal)
      else if (this.#record !== undefined && owesReturn(this.#record)) await this.#comeBack(signal)
      else if (state === 'done' || state === 'down') await this.#awaitReturn(signal)
      if (this.#record?.state !== undefined && isPhase(this.#record.state)) continue
      using over = new ChildSignal(signal)
      await Promise.race([this.#wake.promise, clock.sleep(pauseFor(this.#record), over.signal)])
      over.abort()
    }
    await Promise.all([telling, this.#saved])
  }

  #apply(event: DrainEvent): void {
    const record = this.#record
    if (record === undefined) return
    const { report } = this.#options
    const state = step(record.state, event)
    if (state === record.state) return
    this.#record = { ...record, state }
    // What a phase waits for has become pointless.
    if (event !== 'passed') this.#phase?.breakOff(interruptions[event])
    report('drain.phase', { operation: record.id, phase: state, because: event })
    const over = isPhase(record.state) && !isPhase(state)
    const outcome = over ? sayHowItEnded(this.#record, event, this.#options) : undefined
    if (state === 'back') this.#notes.tell(this.#record)
    if (state === 'down') void sayHowItStopped(record.id, this.#options)
    this.#changed()
    if (outcome !== undefined) this.#trace.ended(outcome, { 'citus.drain.cause': record.cause }, this.#saved)
  }

  #changed(): void {
    const { config, onChange, report } = this.#options
    const record = this.#record
    if (record !== undefined)
      this.#saved = this.#saved.then(async () => {
        try {
          await saveRecord(config.runDir, record)
          return true
        } catch (error) {
          report('drain.unsaved', { reason: reasonOf(error) })
          return false
        }
      })
    this.#wake.resolve()
    onChange()
  }

  async #runPhase(name: PhaseName, signal: AbortSignal): Promise<void> {
    const record = this.#record
    if (record === undefined) return
    const { clock } = this.#options
    const { timing } = this
    const plan = planDrain(record.cause, kindOf(this.#options), timing).find((one) => one.name === name)
    if (plan === undefined || plan.leftOut !== undefined) {
      this.#setPhase(name, 'skipped', plan?.leftOut ?? '', 0)
      return this.#apply('passed')
    }
    const begunAt = clock.now()
    // The API may have said that the pod has less time than is configured.
    const endsAt =
      record.startedAt + (plan.endsAfterMs * (record.endsAt - record.startedAt)) / Math.max(totalMs(timing), 1)
    const limit = Math.max(endsAt - begunAt, 0)
    this.#setPhase(name, 'running', '', 0)
    this.#phase = new PhaseRun()
    const ended = await this.#phase.run(
      limit,
      async (both) => await this.#trace.phase(name, async () => await this.#do(name, plan, limit, both)),
      swept.has(name) ? async (both) => await keepNewcomersAway(this.#options, both) : undefined,
      signal,
    )
    this.#phase = undefined
    if (ended === undefined) return
    this.#setPhase(name, ended.state, ended.reason, clock.now() - begunAt)
    if (this.#record?.state === name) this.#apply(clock.now() >= (this.#record.endsAt ?? 0) ? 'late' : 'passed')
  }

  async #do(name: PhaseName, plan: PlannedPhase, budgetMs: number, signal: AbortSignal): Promise<string> {
    const { config, clock, local, held, ledger, findCause } = this.#options
    if (name === 'hold') {
      // Owed from the moment it is asked for, and on disk before: whoever is killed now must still know what to release.
      this.#update({ holdUntil: clock.now() + config.holdMax })
      await this.#saved
    }
    const bounds = { timeout: Math.max(budgetMs, 1), signal }
    return await steps[name](
      {
        config,
        clock,
        id: this.#record?.id ?? '',
        kind: kindOf(this.#options),
        cause: this.#record?.cause ?? 'pod-deletion',
        findCause,
        setCause: (found) => this.#setCause(found),
        // Where clients wait, nobody takes time that another phase has left over.
        budgetMs: this.#record?.heldAt === null ? budgetMs : Math.min(plan.budgetMs, budgetMs),
        local: patientSql(heldWhereFull(local.sql(bounds), held, config), clock, signal),
        ledger: ledger.sql(bounds),
        hold: () => this.#hold,
        keepHold: (hold) => {
          this.#hold = hold
          if (this.#record?.heldAt === null) this.#update({ holdUntil: clock.now() + hold.leftMs, heldAt: clock.now() })
        },
        keepState: async (kept) => {
          this.#update({ kept })
          return this.#record === undefined ? undefined : await this.#notes.keep(this.#record, signal)
        },
      },
      signal,
    )
  }

  #setCause({ cause, graceSeconds }: FoundCause): void {
    const { stopReserve } = this.#options.config
    const given = graceSeconds === undefined ? undefined : Math.max(graceSeconds * 1000 - stopReserve, 0)
    const { startedAt = 0, endsAt = 0 } = this.#record ?? {}
    this.#update({ cause, endsAt: given === undefined ? endsAt : startedAt + given })
  }

  #update(change: Partial<DrainRecord>): void {
    if (this.#record === undefined) return
    this.#record = { ...this.#record, ...change }
    this.#changed()
  }

  #setPhase(name: PhaseName, state: 'running' | 'done' | 'failed' | 'skipped', reason: string, tookMs: number): void {
    const record = this.#record
    if (record === undefined) return
    const began = this.#options.clock.now() - tookMs
    const phases = [...record.phases.filter((one) => one.name !== name), { name, state, reason, tookMs, began }]
    this.#update({ phases })
    const { report, tally } = this.#options
    if (state !== 'running') tally.phase(record.cause, name, state)
    if (state === 'failed') report('drain.undone', { operation: record.id, phase: name, reason })
    else if (state !== 'running') report('drain.passed', { operation: record.id, phase: name, reason, tookMs })
    if (this.#record !== undefined) this.#notes.tell(this.#record)
  }

  /** Our sessions are closed, for an image that stops smart would wait for them; once the server no longer answers it is asked whether it is back. */
  async #awaitReturn(signal: AbortSignal): Promise<void> {
    const { local, sweep, readings } = this.#options
    const gone = readings.get('postgres.alive')?.error !== undefined
    if (gone && this.#record !== undefined && (await hasReturned(this.#record, local, signal))) this.#apply('returned')
    await Promise.all([local.close(), sweep.close()])
  }

  async #comeBack(signal: AbortSignal): Promise<void> {
    const record = this.#record
    this.#backSince ??= this.#options.clock.now()
    if (record === undefined) return
    const since = this.#backSince
    const isBack = async (): Promise<boolean> => await release(record, since, this.#options, signal)
    if (!(await this.#trace.returning(record, isBack))) return
    if (this.#record?.id === record.id) this.#update({ holdUntil: null, settled: true })
    await this.#trace.returning(record, async () => await compare(record, this.#options, signal))
    this.#trace.returned()
  }
}
