// The verdicts of this moment, kept in memory: judged again whenever a reading arrives and twice a second for their age.
import type { Verdict } from '../probes/verdicts/verdict.ts'
import { noMemory, readiness } from '../probes/verdicts/readiness.ts'
import type { ReadinessMemory } from '../probes/verdicts/readiness.ts'
import { startup } from '../probes/verdicts/startup.ts'
import type { NodeState } from '../probes/verdicts/verdict.ts'
import type { Report } from './events.ts'

/** How often age alone may change a verdict, milliseconds. */
const tick = 500
const kept = 50

/** One change of a verdict; `at` in milliseconds since 1970. */
export interface Flip {
  readonly at: number
  readonly verdict: 'ready' | 'started'
  readonly ok: boolean
  readonly reason: string
}

export interface VerdictKeeperOptions {
  readonly state: () => NodeState
  readonly report: Report
  readonly onFlip: () => void
}

function firstReason(verdict: Verdict): string {
  const bad = verdict.checks.find((check) => check.status === 'failed')
  return bad === undefined ? '' : `${bad.name}: ${bad.reason}`
}

export class VerdictKeeper implements Disposable {
  readonly #options: VerdictKeeperOptions
  readonly #timer: NodeJS.Timeout
  #memory: ReadinessMemory = noMemory
  #ready: Verdict = { ok: false, checks: [] }
  #started: Verdict = { ok: false, checks: [] }
  #flips: readonly Flip[] = []

  constructor(options: VerdictKeeperOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.judge(), tick)
    this.#timer.unref()
  }

  get ready(): Verdict {
    return this.#ready
  }

  get started(): Verdict {
    return this.#started
  }

  /** The last changes, oldest first. */
  get flips(): readonly Flip[] {
    return this.#flips
  }

  /** First reason why this node is not ready; empty when it is. */
  get reason(): string {
    return firstReason(this.#ready)
  }

  /** Judges the state of now. */
  judge(): void {
    const state = this.#options.state()
    const { verdict, memory } = readiness(state, this.#memory)
    const before = { ready: this.#ready.ok, started: this.#started.ok }
    this.#memory = memory
    this.#ready = verdict
    this.#started = startup(state.readings)
    this.#noteFlip('ready', before.ready, this.#ready, state.now)
    this.#noteFlip('started', before.started, this.#started, state.now)
  }

  #noteFlip(name: Flip['verdict'], before: boolean, verdict: Verdict, at: number): void {
    if (before === verdict.ok) return
    const flip = { at, verdict: name, ok: verdict.ok, reason: firstReason(verdict) }
    this.#flips = [...this.#flips, flip].slice(-kept)
    this.#options.report('verdict.changed', { verdict: name, ok: verdict.ok, reason: flip.reason })
    this.#options.onFlip()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
