// When each probe runs: at start, on its interval, and sooner when a hint says "look again". One run of a probe at a
// time, one probe at a time on a connection; hints that come while it runs are one more run, never a queue.
import type { AnyProbe } from '../../probes/index.ts'
import type { NodeFacts, ProbeContext, ProbeName, ReadingTypes, SessionName } from '../../probes/probe.ts'
import type { Sql } from '../../probes/sql.ts'
import { SidecarError } from '../errors.ts'
import type { Bounds } from '../pg/session.ts'
import type { Sampled } from '../tracing/sampled.ts'
import { ChildSignal } from './child-signal.ts'
import type { Clock } from './clock.ts'
import { describeError } from './describe.ts'
import type { ReadingStore } from './readings.ts'

export interface SchedulerOptions {
  readonly probes: readonly AnyProbe[]
  readonly readings: ReadingStore
  readonly clock: Clock
  readonly random: () => number
  readonly facts: () => NodeFacts
  readonly sql: (session: SessionName, bounds: Bounds) => Sql
  readonly dial: (signal: AbortSignal) => Promise<void>
  /** Asks the other databases; as ProbeContext has it. */
  readonly elsewhere: (text: string, sql: Sql, bounds: Bounds) => ReturnType<ProbeContext['elsewhere']>
  /** A monotonic clock, milliseconds. */
  readonly elapsed: () => number
  /** Runs are told as spans by this. */
  readonly sampled: Sampled
}

/** A flood of hints makes no more than twenty runs of a probe a second, milliseconds. */
const hintGap = 50

/** Runs probes until its signal aborts. */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #wake = new Map<ProbeName, () => void>()
  readonly #turns = new Map<SessionName, Promise<unknown>>()
  /** When each probe last began to wait or run; shows a wedged loop. */
  #lastTick: number

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#lastTick = options.clock.now()
  }

  /** When the scheduler last did anything, milliseconds since 1970. */
  get lastTick(): number {
    return this.#lastTick
  }

  /** Makes probes run now, or once more after the run they are in. */
  look(...names: readonly ProbeName[]): void {
    for (const name of names) this.#wake.get(name)?.()
  }

  /** Runs every probe on its schedule; returns when the signal has aborted and the last run has ended. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#options.probes.map(async (probe) => await this.keep(probe, signal)))
  }

  /** Runs one more probe, whose name no other has, on its schedule; returns when its own signal has aborted and its last run has ended. */
  async keep(probe: AnyProbe, signal: AbortSignal): Promise<void> {
    const { clock, random, readings } = this.#options
    while (!signal.aborted) {
      using woken = new ChildSignal(signal)
      this.#wake.set(probe.name, () => woken.abort())
      this.#lastTick = clock.now()
      await this.#inTurn(probe, signal)
      const { error, failures = 0 } = readings.get(probe.name) ?? {}
      const pause = (error && probe.retry?.(error, failures)) ?? probe.interval
      const endedAt = clock.now()
      // Up to a tenth earlier, so that probes and sidecars do not march in step.
      await clock.sleep(pause * (1 - random() / 10), woken.signal)
      const early = hintGap - Math.max(clock.now() - endedAt, 0)
      if (early > 0) await clock.sleep(early, signal)
    }
    this.#wake.delete(probe.name)
  }

  async #inTurn(probe: AnyProbe, signal: AbortSignal): Promise<void> {
    const before = this.#turns.get(probe.session)
    const asked = this.#options.elapsed()
    const run = (async (): Promise<void> => {
      if (probe.session !== 'none') await before
      // Looked at only now: probes before it on the same connection may have found out what this node is.
      if (probe.skip(this.#options.facts()) !== undefined) this.#options.readings.forget(probe.name)
      else if (!signal.aborted) await this.#runOnce(probe, this.#options.elapsed() - asked, signal)
    })()
    this.#turns.set(probe.session, run)
    await run
  }

  async #runOnce(probe: AnyProbe, waitedMs: number, signal: AbortSignal): Promise<void> {
    const { clock, elapsed, facts, readings, sql, dial, elsewhere } = this.#options
    const start = elapsed()
    const begunAt = clock.now()
    using deadline = new ChildSignal(signal)
    const giveUp = (): void => deadline.abort(new SidecarError('QUERY_TIMEOUT', `no answer within ${probe.timeout} ms`))
    const timer = setTimeout(giveUp, probe.timeout)
    const bounds = { timeout: probe.timeout, signal: deadline.signal }
    const own = sql(probe.session, bounds)
    const context: ProbeContext = {
      sql: own,
      dial,
      elsewhere: async (text) => await elsewhere(text, own, bounds),
      elapsed,
      facts: facts(),
    }
    const timing = () => ({ begunAt, takenAt: clock.now(), durationMs: elapsed() - start, waitedMs })
    try {
      const read = async (): Promise<unknown> => await probe.read(context, deadline.signal)
      const value = await this.#options.sampled(probe.name, `probe ${probe.name}`, read)
      readings.record(probe.name, { value: value as ReadingTypes[typeof probe.name] }, timing())
    } catch (error) {
      // The sidecar's own end says nothing about the server.
      if (!signal.aborted) readings.record(probe.name, { error: describeError(error) }, timing())
    } finally {
      clearTimeout(timer)
    }
  }
}
