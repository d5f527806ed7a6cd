// A pooler as a member of the ledger: announced every heartbeat and when its readiness changes, so that drains wait for it.
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Clock } from '../loop/clock.ts'
import type { Session } from '../pg/session.ts'
import { version } from '../version.ts'
import { announce, leavePooler } from './ledger.ts'
import type { Member } from './ledger.ts'
import type { PoolerFacts } from './pooler-facts.ts'

/** Tried again after a failure, milliseconds. */
const retryAfter = 2_000

export interface PoolerMemberOptions {
  readonly config: Config
  readonly clock: Clock
  readonly ledger: Session
  readonly report: Report
  readonly readiness: () => { readonly ready: boolean; readonly reason: string }
  /** What people want to see of it besides. */
  readonly facts: () => PoolerFacts
}

export class PoolerMember {
  readonly #options: PoolerMemberOptions
  #wake: () => void = () => undefined
  #members: readonly Member[] = []
  #trouble: string | undefined = 'not asked yet'
  #toldAt: number | undefined
  #first = true

  constructor(options: PoolerMemberOptions) {
    this.#options = options
  }

  /** All members, as the ledger last said. */
  get members(): readonly Member[] {
    return this.#members
  }

  /** Why the ledger could not be told; undefined where it was. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** When the ledger was last told, milliseconds since 1970. */
  get toldAt(): number | undefined {
    return this.#toldAt
  }

  /** Something changed: do not wait for the next beat. */
  tell(): void {
    this.#wake()
  }

  /** Announces until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, clock } = this.#options
    while (!signal.aborted) {
      using woken = new ChildSignal(signal)
      this.#wake = () => woken.abort()
      await this.#announce(signal)
      await clock.sleep(this.#trouble === undefined ? config.heartbeatInterval : retryAfter, woken.signal)
    }
  }

  /** Leaves the list of members, once run() has ended: no hold waits for this pooler. Nothing to leave where it never was on it. */
  async leave(signal: AbortSignal): Promise<void> {
    const { config, ledger, report } = this.#options
    if (this.#first) return
    try {
      await leavePooler(ledger.sql({ timeout: config.statementTimeout, signal }), config.node)
      report('pooler.left')
    } catch (error) {
      report('heartbeat.failed', { reason: reasonOf(error) })
    }
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const { config, clock, ledger, report, readiness, facts } = this.#options
    const { ready, reason } = readiness()
    try {
      this.#members = await announce(ledger.sql({ timeout: config.statementTimeout, signal }), {
        name: config.node,
        role: config.role,
        ...config.address,
        group_wanted: null,
        state: ready ? 'ready' : 'unready',
        ready,
        reason: reason.slice(0, 500),
        sidecar_version: version,
        maintenance: null,
        lag_bytes: null,
        heartbeat_seconds: config.heartbeatInterval / 1_000,
        http_port: config.httpPort,
        first: this.#first,
        pooler: facts(),
      })
      this.#first = false
      this.#trouble = undefined
      this.#toldAt = clock.now()
    } catch (error) {
      if (signal.aborted) return
      if (this.#trouble !== reasonOf(error)) report('heartbeat.failed', { reason: reasonOf(error) })
      this.#trouble = reasonOf(error)
    }
  }
}
