// How this node leaves, wired: the drain and who may ask for it.
import { apiAccess, findCause } from './drain/cause.ts'
import { Drain } from './drain/drain.ts'
import type { Config } from './config.ts'
import type { DrainControls } from './http/control-drain.ts'
import type { Report } from './events.ts'
import type { Clock } from './loop/clock.ts'
import type { ReadingStore } from './loop/readings.ts'
import type { Sessions } from './sessions.ts'

export interface LeavingOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  readonly readings: ReadingStore
  readonly sessions: Sessions
  /** What is shown of the drain has changed. */
  readonly onChange: () => void
}

export class Leaving {
  readonly drain: Drain

  constructor({ config, clock, report, readings, sessions, onChange }: LeavingOptions) {
    this.drain = new Drain({
      config,
      clock,
      report,
      readings,
      local: sessions.drain,
      sweep: sessions.sweep,
      ledger: sessions.drainLedger,
      findCause: async (signal) =>
        await findCause(await apiAccess(config.kubernetesHost, config.kubernetesPort), config.node, signal),
      onChange,
    })
  }

  get controls(): DrainControls {
    const { drain } = this
    return {
      begin: () => drain.begin(),
      view: () => drain.view,
      cancel: () => drain.cancel(),
      plan: () => drain.plan(),
    }
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.drain.run(signal)
  }
}
