// How this node leaves, wired: the drain and who may ask for it.
import type { ProbeName } from '../probes/probe.ts'
import { findCause } from './drain/cause.ts'
import { sayHowItStoppedBefore } from './drain/clean-stop.ts'
import { Drain } from './drain/drain.ts'
import { Handshake } from './drain/handshake.ts'
import { totalMs } from './drain/plan.ts'
import { endLostDrain } from './drain/lost-drain.ts'
import { DrainTally } from './drain/tally.ts'
import { installPrestop } from './drain/prestop-script.ts'
import { reasonOf } from './errors.ts'
import type { Config } from './config.ts'
import { listenOn } from './http/listen-on.ts'
import { buildHook } from './http/hook.ts'
import type { DrainControls } from './http/control-drain.ts'
import type { Report } from './events.ts'
import { placeOf } from './kubernetes/access.ts'
import { OwnPod } from './kubernetes/own-pod.ts'
import type { Clock } from './loop/clock.ts'
import { lookNow } from './loop/look-now.ts'
import type { ReadingStore } from './loop/readings.ts'
import type { Sessions } from './sessions.ts'

export interface LeavingOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  readonly readings: ReadingStore
  readonly sessions: Sessions
  readonly random: () => number
  /** Makes a probe run now. */
  readonly look: (name: ProbeName) => void
  /** Whether this sidecar is the one that serves this node. */
  readonly alone: (signal: AbortSignal) => Promise<boolean>
  /** What is shown of the drain has changed. */
  readonly onChange: () => void
}

/** Longer than this a plan does not wait for PostgreSQL to say what a stop would cost, milliseconds; it then has what was said before. */
const planPatience = 10_000

export class Leaving {
  readonly drain: Drain
  readonly #tally = new DrainTally()
  readonly #handshake: Handshake
  readonly #pod: OwnPod
  readonly #options: LeavingOptions

  constructor(options: LeavingOptions) {
    const { config, clock, random, report, readings, sessions, onChange } = options
    this.#options = options
    const tally = this.#tally
    const [place, node] = [placeOf(config), config.node]
    this.#pod = new OwnPod({ place, node, configuredMs: config.gracePeriod, clock, random, report })
    this.drain = new Drain({
      config,
      clock,
      report,
      readings,
      tally,
      local: sessions.drain,
      sweep: sessions.sweep,
      held: sessions.probe,
      ledger: sessions.drainLedger,
      notes: sessions.drainNotes,
      findCause: async (signal) => await findCause(place, node, signal),
      podGraceMs: () => this.#pod.graceMs,
      onChange: () => {
        this.#handshake.tell()
        onChange()
      },
    })
    this.#handshake = new Handshake({
      runDir: config.runDir,
      clock,
      report,
      begin: async () => await this.drain.begin(),
      view: () => this.drain.view,
      limits: () => ({ deadlineSeconds: totalMs(this.drain.timing) / 1_000 }),
    })
  }

  /** Why nothing new is begun on this node, from the first phase until it is back; undefined when it stays. */
  get reason(): string | undefined {
    if (this.drain.neededUntil === undefined) return undefined
    return this.drain.away ?? 'this node is about to be drained'
  }

  get controls(): DrainControls {
    const { drain } = this
    return {
      begin: async () => await drain.begin(),
      view: () => drain.view,
      cancel: () => drain.cancel(),
      plan: async (signal) => {
        const askedAt = this.#options.clock.now()
        await lookNow(this.#options, 'postgres.stop-cost', planPatience, signal)
        return drain.plan(askedAt)
      },
    }
  }

  /** Takes up what an earlier process left, then opens the HTTP form of the hook where there is one. @throws SidecarError LISTENER_FAILED. */
  async start(stack: AsyncDisposableStack): Promise<void> {
    const { config, clock } = this.#options
    const { hookPort, hookTokenFile } = config
    await this.drain.load()
    if (hookPort === undefined || hookTokenFile === undefined) return
    const { drain } = this
    const hook = buildHook({
      tokenFile: hookTokenFile,
      clock,
      begin: async () => await drain.begin(),
      view: () => drain.view,
    })
    stack.defer(async () => await hook.close())
    await listenOn(hook, { setting: 'CITUS_SIDECAR_HOOK_PORT', host: config.httpAddress, port: hookPort })
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, report, sessions } = this.#options
    const lost = {
      ...this.#options,
      tally: this.#tally,
      local: sessions.drain,
      ledger: sessions.drainLedger,
      drains: () => this.drain.view !== undefined,
    }
    await installPrestop(config.runDir).catch((error: unknown) => report('drain.unsaved', { reason: reasonOf(error) }))
    const before = sayHowItStoppedBefore({ ...this.#options, tally: this.#tally }, signal)
    const own = [this.drain.run(signal), this.#handshake.run(signal), this.#pod.run(signal)]
    await Promise.all([...own, endLostDrain(lost, signal), before])
  }
}
