// The LISTEN session on the coordinator as a sidecar has it: whether it is up, and how it gives way to a server that shuts down.
import type { CoordinatorLocator } from './cluster/coordinator.ts'
import type { Config } from './config.ts'
import type { Report } from './events.ts'
import type { Clock } from './loop/clock.ts'
import { listen } from './pg/listener.ts'

export interface HintsOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  readonly locator: CoordinatorLocator
  /** Something may have changed on the coordinator. */
  readonly onHint: () => void
  /** The session came or went. */
  readonly onState: (up: boolean) => void
}

export class Hints {
  readonly #options: HintsOptions
  #state: { readonly up: boolean; readonly reason: string | undefined }
  #until = new AbortController()

  constructor(options: HintsOptions) {
    this.#options = options
    const reason = options.config.role === 'standalone' ? undefined : 'not connected yet'
    this.#state = { up: false, reason }
  }

  get state(): { readonly up: boolean; readonly reason: string | undefined } {
    return this.#state
  }

  /** The coordinator shuts down, and would wait for our session to end. */
  letGo(): void {
    this.#until.abort()
    this.#until = new AbortController()
  }

  /** Listens until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, clock, report, locator, onHint, onState } = this.#options
    if (config.role === 'standalone') return
    await listen(
      {
        config,
        clock,
        random: Math.random,
        target: async (late) => await locator.target('listen', late),
        until: () => this.#until.signal,
        onHint,
        onState: ({ up, reason }) => {
          if (up !== this.#state.up) report(up ? 'listen.up' : 'listen.down', reason === undefined ? {} : { reason })
          this.#state = { up, reason }
          // A broken listener is the first sign of a coordinator that moved or restarted.
          if (!up) locator.forget()
          onState(up)
        },
      },
      signal,
    )
  }
}
