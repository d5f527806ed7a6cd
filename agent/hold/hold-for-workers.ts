// The node hold, wired: beside the coordinator only, while that is a primary and this sidecar the one that serves it.
import type { Config } from '../config.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { Session } from '../pg/session.ts'
import { NodeHold } from './node-hold.ts'
import { nodeLedger } from './node-ledger.ts'
import { ServerLock } from './node-lock.ts'

export interface HoldForWorkersOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  /** On-demand session on the coordinator. */
  readonly ledger: Session
  /** Whether the server beside this sidecar is known to be a primary. */
  readonly primary: () => boolean
  /** Whether this sidecar is the one that serves it. */
  readonly alone: (signal: AbortSignal) => Promise<boolean>
}

/** The node hold of this sidecar; undefined where it is another's to hold. */
export function holdForWorkers(options: HoldForWorkersOptions): NodeHold | undefined {
  const { config, clock, report, ledger, primary, alone } = options
  if (config.role !== 'coordinator') return undefined
  const { holdMax, pauseTry, pauseBreak, holdForce: force, registrationInterval: interval } = config
  return new NodeHold({
    clock,
    report,
    ledger: nodeLedger(ledger, config.statementTimeout, config.poolerForgottenAfter),
    holder: config.node,
    fit: async (signal) => primary() && (await alone(signal)),
    lockOn: (node, group) => new ServerLock(config, node, group),
    limits: { holdMax, pauseTry, pauseBreak, force, interval },
  })
}
