// What a verdict is: pure functions of readings, each check with its reason and what to do about it.
import type { NodeRole, Readings } from '../probe.ts'

/** `warning` and `unknown` never make a node unready; `failed` does. */
export type CheckStatus = 'ok' | 'warning' | 'unknown' | 'failed'

export interface Check {
  readonly name: string
  readonly status: CheckStatus
  /** One sentence; empty when ok and nothing is to be said. */
  readonly reason: string
  /** What a person can do about it; empty when nothing is to be done. */
  readonly action: string
}

export interface Verdict {
  readonly ok: boolean
  readonly checks: readonly Check[]
}

/** Where this node stands with its coordinator, as the registration last found. */
export interface Join {
  /** `blind`: the coordinator could not be asked; `off`: there is none (role standalone). */
  readonly finding: 'verified' | 'pending' | 'refused' | 'blind' | 'off'
  /** When the coordinator last confirmed this node, milliseconds since 1970; survives restarts in the notebook. */
  readonly verifiedAt: number | undefined
  readonly metadataSynced: boolean | undefined
  readonly reason: string
  readonly action: string
}

export interface Maintenance {
  readonly on: boolean
  /** When it was switched, milliseconds since 1970. */
  readonly changedAt: number
  readonly reason: string
}

/** Thresholds of readiness; milliseconds and bytes. */
export interface ReadinessLimits {
  readonly frozenAfter: number
  readonly standbyMaxLag: number
  readonly standbyGrace: number
  readonly maxLatency: number | undefined
  readonly registrationMaxAge: number | undefined
}

/** All that readiness looks at. */
export interface NodeState {
  readonly now: number
  readonly role: NodeRole
  readonly readings: Readings
  readonly join: Join
  readonly maintenance: Maintenance
  /** Why new clients are to stay away; undefined while no drain goes on. */
  readonly draining: string | undefined
  /** Citus versions of the other members that differ from ours, as `name version`. */
  readonly otherVersions: readonly string[]
  readonly limits: ReadinessLimits
}

export function ok(name: string, reason = ''): Check {
  return { name, status: 'ok', reason, action: '' }
}

export function failed(name: string, reason: string, action: string): Check {
  return { name, status: 'failed', reason, action }
}

export function warning(name: string, reason: string, action: string): Check {
  return { name, status: 'warning', reason, action }
}

export function unknown(name: string, reason: string): Check {
  return { name, status: 'unknown', reason, action: '' }
}

/** A verdict fails when one of its checks does. */
export function toVerdict(checks: readonly Check[]): Verdict {
  return { ok: checks.every((check) => check.status !== 'failed'), checks }
}

const marks: Readonly<Record<CheckStatus, string>> = { ok: '+', warning: '!', unknown: '?', failed: '-' }

/** One line a check, as Kubernetes' own components print them: `[-]registered failed: <reason>; <what to do>`. */
export function verdictText(verdict: Verdict): string {
  return verdict.checks
    .map((check) => {
      const tail = [check.reason, check.action].filter((part) => part !== '').join('; ')
      return `[${marks[check.status]}]${check.name} ${check.status}${tail === '' ? '' : `: ${tail}`}`
    })
    .join('\n')
}

/** Milliseconds as a person reads an age: 850 ms, 12 s, 5 min, 3 h. */
export function ageText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
