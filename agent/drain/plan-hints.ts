// What a person should know before a drain, beside that its time is too short; pure.
import type { StopCost } from '../../probes/postgres/stop-cost.ts'
import { archiverHangs } from './estimate.ts'
import type { PlanFacts } from './describe-plan.ts'
import type { PhasePlan } from './view.ts'

interface HintFacts extends PlanFacts {
  readonly cost: StopCost | undefined
  readonly phases: readonly PhasePlan[]
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

/** One sentence each, with what to do. */
export function hints(facts: HintFacts): readonly string[] {
  return [ofGrace(facts), ofReading(facts), ofArchiver(facts), ofTransactions(facts), ofPrepared(facts)].filter(
    (hint) => hint !== undefined,
  )
}

function ofGrace({ config, podGraceMs }: HintFacts): string | undefined {
  if (podGraceMs === undefined || podGraceMs === config.gracePeriod) return undefined
  return `the pod has ${seconds(podGraceMs)} (terminationGracePeriodSeconds) and CITUS_SIDECAR_GRACE_PERIOD says ${seconds(config.gracePeriod)}: the pod is believed; make them equal`
}

function ofReading({ reading, now, askedAt }: HintFacts): string | undefined {
  if (reading === undefined) return 'PostgreSQL has not been asked yet what a stop would cost now'
  const { error, lastGood } = reading
  const ageMs = lastGood === undefined ? Infinity : now - lastGood.takenAt
  if (error === undefined && reading.begunAt >= askedAt) return undefined
  const how = error === undefined ? 'has not answered yet' : `could not be asked (${error.message})`
  const known = lastGood === undefined ? 'nothing is estimated' : `estimates are ${seconds(ageMs)} old`
  return `PostgreSQL ${how} what a stop would cost now: ${known}`
}

function ofArchiver({ cost }: HintFacts): string | undefined {
  if (cost?.archiver === undefined) return undefined
  const { waiting, busyMs, failedMsAgo } = cost.archiver
  if (failedMsAgo !== undefined)
    return `archive_command fails, last ${seconds(failedMsAgo)} ago, and ${waiting} WAL segments wait: a drain would leave them unarchived; look at the server log`
  if (!archiverHangs(cost)) return undefined
  return `archive_command has been at one WAL segment for ${seconds(busyMs)}, and ${waiting} wait: it may hang; a drain would wait for it until its time is up`
}

function budgetOf({ phases }: HintFacts, name: string): number {
  return phases.find((phase) => phase.name === name)?.budgetMs ?? Infinity
}

function ofTransactions(facts: HintFacts): string | undefined {
  const { longest } = facts.cost ?? {}
  const budget = budgetOf(facts, 'drain')
  if (longest === undefined || longest.ms <= budget) return undefined
  return `the transaction of ${longest.who} has been open for ${seconds(longest.ms)}: a drain waits for it for about ${seconds(budget)}, then cuts it`
}

function ofPrepared(facts: HintFacts): string | undefined {
  const { prepared = 0, preparedMs = 0 } = facts.cost ?? {}
  const budget = budgetOf(facts, 'settle')
  if (prepared === 0 || preparedMs <= budget) return undefined
  return `${prepared} two-phase commits have been prepared for up to ${seconds(preparedMs)}: they keep their locks until their initiator finishes them; look whether it runs`
}
