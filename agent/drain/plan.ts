// What a drain does for each cause, and how long each phase may take; pure.
import type { Config } from '../config.ts'
import type { PhaseName } from './machine.ts'
import { phaseNames } from './machine.ts'

/** Why the node stops. */
export const causes = ['pod-deletion', 'node-drain', 'scale-down', 'container-restart'] as const

export type Cause = (typeof causes)[number]

export type NodeKind = 'coordinator' | 'worker' | 'standalone' | 'standby'

/** Phases that are left out, with the reason that is shown; everything else is done. */
const leftOutByCause: Readonly<Record<Cause, Partial<Record<PhaseName, string>>>> = {
  'pod-deletion': {},
  'container-restart': {},
  'node-drain': {
    hold: 'the node drain of Kubernetes may take the pod away for long; see CITUS_SIDECAR_HOLD_ON_NODE_DRAIN',
  },
  'scale-down': { hold: 'the pod is not coming back' },
}

const leftOutByKind: Readonly<Record<NodeKind, Partial<Record<PhaseName, string>>>> = {
  coordinator: {},
  worker: {},
  standalone: { settle: 'no Citus here' },
  standby: {
    hold: 'a standby takes no writes',
    settle: 'two-phase commits are settled by the primary',
    keep: 'a standby has no notebook of its own',
  },
}

export interface PlanOptions {
  readonly graceMs: number
  readonly reserveMs: number
  readonly holdOnNodeDrain: boolean
  /** CITUS_SIDECAR_HOLD is none. */
  readonly holdOff: boolean
}

export interface PlannedPhase {
  readonly name: PhaseName
  readonly budgetMs: number
  /** When it must have ended, milliseconds from the drain's begin. */
  readonly endsAfterMs: number
  /** Why it is left out; undefined where it is done. */
  readonly leftOut: string | undefined
}

/** Share of the whole time that a phase may use; what it does not use is there for those after it. */
const shares: Readonly<Record<PhaseName, number>> = {
  cause: 0.02,
  prepare: 0.4,
  hold: 0.15,
  unready: 0.06,
  drain: 0.2,
  settle: 0.05,
  flush: 0.09,
  keep: 0.03,
}

/** The part of the configuration that decides about time and hold; what the pod itself says about its time, milliseconds, is believed instead. */
export function drainTiming(config: Config, podGraceMs?: number): PlanOptions {
  const { gracePeriod, stopReserve, holdOnNodeDrain, hold } = config
  return { graceMs: podGraceMs ?? gracePeriod, reserveMs: stopReserve, holdOnNodeDrain, holdOff: hold === 'none' }
}

/** The time a drain may take in all, milliseconds: below the grace period by the reserve, which PostgreSQL's own stop needs. */
export function totalMs({ graceMs, reserveMs }: PlanOptions): number {
  return Math.max(graceMs - reserveMs, 0)
}

/** The phases of a drain with their budgets. */
export function planDrain(cause: Cause, kind: NodeKind, options: PlanOptions): readonly PlannedPhase[] {
  const total = totalMs(options)
  let endsAfterMs = 0
  return phaseNames.map((name) => {
    const budgetMs = total * shares[name]
    endsAfterMs += budgetMs
    return { name, budgetMs, endsAfterMs, leftOut: leftOut(name, cause, kind, options) }
  })
}

function leftOut(name: PhaseName, cause: Cause, kind: NodeKind, options: PlanOptions): string | undefined {
  if (name === 'hold' && options.holdOff) return 'CITUS_SIDECAR_HOLD is none'
  const spared = name === 'hold' && cause === 'node-drain' && options.holdOnNodeDrain
  return (spared ? undefined : leftOutByCause[cause][name]) ?? leftOutByKind[kind][name]
}
