// A drain's plan for a person, before anything stops: phases, budgets, what they took last time, and what is too short today.
import type { Config } from '../config.ts'
import { drainTiming, planDrain, totalMs } from './plan.ts'
import type { NodeKind } from './plan.ts'
import type { DrainRecord } from './record.ts'
import type { DrainPlan } from './view.ts'

/** `last`: the drain before, whose phases tell how long they take here. */
export function describePlan(config: Config, kind: NodeKind, last: DrainRecord | undefined): DrainPlan {
  const timing = drainTiming(config)
  const took = new Map(last?.phases.filter(({ state }) => state === 'done').map(({ name, tookMs }) => [name, tookMs]))
  const phases = planDrain('pod-deletion', kind, timing)
    .filter(({ leftOut }) => leftOut === undefined)
    .map(({ name, budgetMs }) => ({ name, budgetMs: Math.round(budgetMs), etaMs: took.get(name) ?? null }))
  const warnings = phases.flatMap(({ name, budgetMs, etaMs }) =>
    etaMs !== null && etaMs * 2 > budgetMs
      ? [
          `${name} took ${etaMs} ms last time and may take ${budgetMs} ms: raise terminationGracePeriodSeconds and CITUS_SIDECAR_GRACE_PERIOD`,
        ]
      : [],
  )
  if (totalMs(timing) < 10_000)
    warnings.unshift(
      `only ${totalMs(timing)} ms are left for a drain: CITUS_SIDECAR_GRACE_PERIOD is ${timing.graceMs} ms, CITUS_SIDECAR_STOP_RESERVE ${timing.reserveMs} ms`,
    )
  return { graceSeconds: timing.graceMs / 1000, reserveSeconds: timing.reserveMs / 1000, phases, warnings }
}
