// A drain's plan for a person, before anything stops: phases, budgets, how long each would take now, and what is too short today. Pure.
import type { StopCost } from '../../probes/postgres/stop-cost.ts'
import type { Reading } from '../../probes/probe.ts'
import type { Config } from '../config.ts'
import { archiverHangs, estimatePhases, prepareCost } from './estimate.ts'
import type { Estimate, Estimates } from './estimate.ts'
import type { PhaseName } from './machine.ts'
import { drainTiming, planDrain, totalMs } from './plan.ts'
import type { NodeKind, PlannedPhase } from './plan.ts'
import { hints, seconds } from './plan-hints.ts'
import type { EndedDrain } from './tally.ts'
import type { DrainPlan, PhasePlan } from './view.ts'

export interface PlanFacts {
  readonly config: Config
  readonly kind: NodeKind
  /** The drain before, whose phases tell how long they take here. */
  readonly last: EndedDrain | undefined
  readonly reading: Reading<StopCost> | undefined
  /** When the server was asked for it, milliseconds: a reading begun earlier is not its answer. */
  readonly askedAt: number
  /** What the pod itself says about its grace period, milliseconds. */
  readonly podGraceMs: number | undefined
  readonly now: number
}

/** Less than this is no time for a drain, milliseconds. */
const least = 10_000
/** A client that does not end is cut at this share of the phase's time (clients.ts). */
const cutAt = 0.8
const raise = 'raise terminationGracePeriodSeconds and CITUS_SIDECAR_GRACE_PERIOD'

/** A drain of this node that would begin now because its pod is deleted. */
export function describePlan(facts: PlanFacts): DrainPlan {
  const { config, kind, last, reading, podGraceMs } = facts
  const timing = drainTiming(config, podGraceMs)
  const value = reading?.lastGood?.value
  // A standby archives nothing of its own.
  const cost = value === undefined || kind !== 'standby' ? value : { ...value, archiver: undefined }
  const estimates = { ...estimatePhases(cost), unready: waiting(config) }
  const phases = planDrain('pod-deletion', kind, timing)
    .filter(({ leftOut }) => leftOut === undefined)
    .map((phase) => planPhase(phase, estimates, last))
  const etaMs = phases.reduce((sum, phase) => sum + (phase.etaMs ?? 0), 0)
  const short = phases.flatMap((phase) => tooLong(phase, cost))
  const total = totalMs(timing)
  if (total < least)
    short.unshift(
      `only ${seconds(total)} are left for a drain: the grace period is ${seconds(timing.graceMs)}, CITUS_SIDECAR_STOP_RESERVE ${seconds(timing.reserveMs)}`,
    )
  if (etaMs > total && (cost === undefined || !archiverHangs(cost)))
    short.push(`all phases together take about ${seconds(etaMs)}, and ${seconds(total)} are there: ${raise}`)
  return {
    graceSeconds: timing.graceMs / 1_000,
    graceFrom: podGraceMs === undefined ? 'setting' : 'pod',
    reserveSeconds: timing.reserveMs / 1_000,
    phases,
    etaMs,
    graceTooShort: short.length > 0,
    warnings: [...short, ...hints({ ...facts, cost, phases })],
  }
}

function waiting({ unreadyWait }: Config): Estimate {
  return { ms: unreadyWait, because: 'where no pooler holds clients' }
}

function planPhase({ name, budgetMs }: PlannedPhase, estimates: Estimates, last: EndedDrain | undefined): PhasePlan {
  const budget = Math.round(budgetMs)
  const found = estimates[name]
  const estimate =
    name === 'drain' && found !== undefined ? { ...found, ms: Math.min(found.ms, budgetMs * cutAt) } : found
  const took = last?.phases.find((phase) => phase.name === name && phase.state === 'done')?.tookMs
  return { name, budgetMs: budget, ...etaOf(took, last?.expected?.[name], estimate) }
}

/**
 * What the last drain took counts where there is not more to do than it was expected to have then. Where there is, it counts for as much
 * more, for it shows how good such an estimate is here; where nobody knows what was expected, the larger of both counts.
 */
function etaOf(
  took: number | undefined,
  expected: number | undefined,
  estimate: Estimate | undefined,
): Pick<PhasePlan, 'etaMs' | 'from' | 'because'> {
  const measured = { etaMs: took ?? null, from: 'measured', because: 'as the last drain took' } as const
  if (estimate === undefined) return took === undefined ? { etaMs: null, from: null, because: '' } : measured
  const { because, ms } = estimate
  if (took === undefined) return { etaMs: Math.round(ms), from: 'estimated', because }
  const scaled = expected === undefined ? ms : Math.min(ms, (took * ms) / Math.max(expected, 1))
  const more = expected === undefined || ms > expected
  if (!more || scaled <= took) return measured
  return { etaMs: Math.round(scaled), from: 'estimated', because: `${because}; the last drain took ${seconds(took)}` }
}

/** Their time is up to clients, as long as nothing has been measured. */
const upToClients: ReadonlySet<string> = new Set(['drain', 'settle'] satisfies PhaseName[])

/** Twice what it takes, for a grace period is set for the bad day; but once for archiving. */
function neededMs({ name, etaMs, from }: PhasePlan, cost: StopCost | undefined): number {
  const once = etaMs ?? 0
  if (name !== 'prepare' || from === 'measured' || cost === undefined) return 2 * once
  const checkpointMs = Math.min(prepareCost(cost).checkpointMs, once)
  return checkpointMs + (archiverHangs(cost) ? checkpointMs : once)
}

function tooLong(phase: PhasePlan, cost: StopCost | undefined): readonly string[] {
  const { name, budgetMs, etaMs, from } = phase
  const measured = from === 'measured'
  // A fixed wait, which has what the phases before it leave.
  if (name === 'unready') return []
  const needed = neededMs(phase, cost)
  if (etaMs === null || (upToClients.has(name) && !measured) || needed <= budgetMs) return []
  const how = measured ? `took ${seconds(etaMs)} last time` : `would take about ${seconds(etaMs)} now`
  return [`${name} ${how} and should have ${seconds(needed)}, its budget is ${seconds(budgetMs)}: ${raise}`]
}
