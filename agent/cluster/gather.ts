// Gathers what a decision rests on, out of readings, notebook and ledger; says what is missing.
import type { Identity } from '../../probes/postgres/identity.ts'
import type { Reading } from '../../probes/probe.ts'
import type { LocalMetadata } from '../../probes/citus/local.ts'
import type { Config } from '../config.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { Bounds, Session } from '../pg/session.ts'
import type { FindingCode } from './findings.ts'
import { groupWish } from './facts.ts'
import type { JoinFacts, Self } from './facts.ts'
import { readMembers } from './ledger.ts'
import { readTimelineHistory } from './notebook.ts'
import type { Notebook } from './notebook.ts'

/** What this node's own server says of itself, in one and the same run of the server. */
export type LocalAnswer =
  | { readonly identity: Identity; readonly local: LocalMetadata }
  /** `undefined`: simply not asked yet. */
  | { readonly missing: string | undefined }

/** Identity and metadata of the local server, if both were read after `since` and in the run of the server that is up now. */
export function localAnswer(readings: ReadingStore, since: number): LocalAnswer {
  const identity = readings.get('postgres.identity')
  const local = readings.get('citus.local')
  const run = readings.get('postgres.alive')?.value?.startedAt
  if (identity?.value === undefined || local?.value === undefined) {
    return { missing: identity?.error?.message ?? local?.error?.message }
  }
  const ofThisRun = identity.value.startedAt === run && local.value.startedAt === run
  if (!ofThisRun || isOlder(local, since)) return { missing: undefined }
  return { identity: identity.value, local: local.value }
}

/** Whether a reading was begun before a moment, and so may show a state that is gone. */
export function isOlder(reading: Reading<unknown>, since: number): boolean {
  return reading.begunAt < since
}

/** What this node is, as configured and as its server says. */
export function selfOf(config: Config, answer: Extract<LocalAnswer, { identity: Identity }>): Self {
  const { node, role, address, registerStandby, followPromotion, clusterName } = config
  return {
    name: node,
    role,
    address,
    group: groupWish(role, node, config.group),
    registerStandby,
    followPromotion,
    clusterName,
    ...answer,
  }
}

export interface Sources {
  readonly self: Self
  readonly notebook: Notebook
  readonly view: JoinFacts['view']
  readonly accepted: FindingCode | undefined
  readonly local: Session
  readonly ledger: Session
}

/** Adds what ledger and history file say. @throws as queries do. */
export async function gatherFacts(sources: Sources, bounds: Bounds): Promise<JoinFacts> {
  const { self, notebook, view, accepted } = sources
  // A worker named as coordinator has no ledger; what is wrong then is not that.
  const members = view.coordinator.groupId === 0 ? await readMembers(sources.ledger.sql(bounds)) : []
  const { timeline } = self.identity
  const before = members.find((member) => member.name === self.name)?.timeline ?? timeline
  const timelineHistory = before === timeline ? '' : await readTimelineHistory(sources.local.sql(bounds), timeline)
  return { self, notebook, view, members, timelineHistory, accepted }
}
