// Whether a decision may be carried out now: another sidecar may serve this node, or something may forbid acting.
import type { Decision } from './decide.ts'
import { finding } from './findings.ts'
import type { Finding } from './findings.ts'

export interface Circumstances {
  /** This sidecar is the one that serves this node. */
  readonly alone: boolean
  /** Why nothing is registered now: this node is about to stop. */
  readonly draining: string | undefined
  readonly maintenance: boolean
  /** CITUS_SIDECAR_REGISTER. */
  readonly register: boolean
  /** What stopped the last attempt, while it is too early for another. */
  readonly stopped: Finding | undefined
}

/** The decision, or a stop that says why it may not be carried out. */
export function permit(
  decision: Decision,
  { alone, draining, maintenance, register, stopped }: Circumstances,
): Decision {
  const stop = (found: Finding): Decision => ({ do: 'stop', finding: found })
  if (!alone) return stop(finding('another-sidecar', 'another sidecar serves this node'))
  if (decision.do !== 'act') return decision
  if (draining !== undefined) return stop(finding('draining', `${decision.because}, and ${draining}`))
  if (maintenance) return stop(finding('maintenance', `${decision.because}, and nothing is done in maintenance`))
  if (!register) return stop(finding('registration-off', `${decision.because}, and CITUS_SIDECAR_REGISTER is off`))
  return stopped === undefined ? decision : stop(stopped)
}
