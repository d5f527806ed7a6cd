// What speaks against the removal of a node: one rule a subject, each a pure function of the same facts.
import type { Member } from '../cluster/ledger.ts'
import { bytesText, countText } from './amounts.ts'
import { aboveInSet } from './gap.ts'
import { listed, refusal } from './refusals.ts'
import type { Refusal, RefusalCode } from './refusals.ts'
import type { Capacity, RemovalNode, ServerAnswer, ShardedTable, Survey } from './survey.ts'
import type { Target } from './target.ts'

export const transferModes = ['auto', 'force_logical', 'block_writes'] as const

export type TransferMode = (typeof transferModes)[number]

export interface RemovalFacts {
  readonly target: Target
  readonly survey: Survey
  readonly members: readonly Member[]
  readonly transferMode: TransferMode
  readonly allowGap: boolean
}

/** Whether the node does not answer the coordinator. */
export function isDead({ survey, target }: RemovalFacts): boolean {
  return survey.servers.some(({ nodeId, failure }) => nodeId === target.node.nodeId && failure !== null)
}

/** Nodes that may take the shards. */
export function receivers({ survey, target }: RemovalFacts): readonly RemovalNode[] {
  return survey.nodes.filter(
    ({ nodeId, role, active, shouldHaveShards }) =>
      nodeId !== target.node.nodeId && role === 'primary' && active && shouldHaveShards,
  )
}

/** Bytes of the tables whose size is known; undefined where none is. */
export function bytesOf(tables: readonly ShardedTable[]): number | undefined {
  const known = tables.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]))
  return known.length === 0 ? undefined : known.reduce((sum, bytes) => sum + bytes, 0)
}

/** One line a table: what of it is on the node. */
export function tableText({ name, shards, bytes, rows }: ShardedTable): string {
  const size = bytes === null ? 'of unknown size' : `about ${bytesText(bytes)} and ${countText(rows ?? 0, 'row')}`
  return `${name} (${countText(shards, 'shard')}, ${size})`
}

const addressOf = ({ host, port }: RemovalNode): string => `${host}:${port}`

type Rule = (facts: RemovalFacts) => readonly Refusal[]

/** One refusal that names the tables, where there are any. */
function ofTables(code: RefusalCode, tables: readonly ShardedTable[], what: string): readonly Refusal[] {
  if (tables.length === 0) return []
  return [refusal(code, `${what} (${tables.length}): ${listed(tables.map(({ name }) => name))}`)]
}

const isCoordinator: Rule = ({ target }) =>
  target.node.groupId === 0 && target.node.role === 'primary'
    ? [refusal('coordinator', `${target.name} is the coordinator`)]
    : []

const gap: Rule = ({ target: { member, name, node }, members, survey, allowGap }) => {
  if (allowGap || member === undefined || node.role !== 'primary') return []
  const above = aboveInSet(member, members, survey.nodes, survey.now)
  return above.length === 0
    ? []
    : [refusal('leaves-gap', `${name} is not the last of its StatefulSet: there is ${listed(above)}`)]
}

const otherRemoval: Rule = ({ survey: { removal }, target }) =>
  removal === undefined || removal.nodeId === target.node.nodeId
    ? []
    : [refusal('another-removal', `the removal of ${removal.member} is going on`)]

const rebalance: Rule = ({ survey }) =>
  survey.rebalance === undefined ? [] : [refusal('rebalance-runs', `rebalance job ${survey.rebalance} is going on`)]

const unreachable: Rule = ({ survey, target }) =>
  survey.servers.flatMap(({ nodeId, failure }) => {
    const node = survey.nodes.find((one) => one.nodeId === nodeId)
    if (failure === null || node === undefined || nodeId === target.node.nodeId) return []
    return [refusal('node-unreachable', `the coordinator cannot reach ${addressOf(node)}: ${failure}`)]
  })

const unsynced: Rule = ({ survey, target }) => {
  const late = survey.nodes.filter(({ active, synced, nodeId }) => active && !synced && nodeId !== target.node.nodeId)
  return late.map((node) => refusal('node-unsynced', `the metadata of ${addressOf(node)} is not in sync`))
}

const deadWithShards: Rule = (facts) => {
  const { survey, target } = facts
  if (!isDead(facts) || survey.tables.length === 0) return []
  const shards = survey.tables.reduce((sum, table) => sum + table.shards, 0)
  const what = `${target.name} does not answer, and what it has is nowhere else, ${countText(shards, 'shard')}`
  return [refusal('dead-with-shards', `${what}: ${listed(survey.tables.map(tableText))}`)]
}

const deadUnsettled: Rule = (facts) => {
  const { left } = facts.survey.prepared
  if (!isDead(facts) || left.length === 0) return []
  const names = listed(left.map(({ gid, where }) => `${gid} on ${where}`))
  return [
    refusal(
      'dead-unsettled',
      `${facts.target.name} does not answer, and it alone knows how these prepared transactions end: ${names}`,
    ),
  ]
}

const nowhere: Rule = (facts) =>
  facts.survey.tables.length > 0 && receivers(facts).length === 0
    ? [refusal('nowhere-to-go', 'no other active node is to have shards')]
    : []

/** Part of a disk that Citus keeps free by default (citus.desired_percent_disk_available_after_move). */
const keptFree = 0.1

const room: Rule = (facts) => {
  const bytes = bytesOf(facts.survey.tables) ?? 0
  const disks = receivers(facts).map(({ nodeId }) => answerOf(facts, nodeId)?.disk)
  // Of one that does not say it is not known that it has no room.
  if (bytes === 0 || disks.length === 0 || disks.some((disk) => disk === null || disk === undefined)) return []
  const free = disks.reduce((sum, disk) => sum + Math.max(0, (disk?.free ?? 0) - (disk?.all ?? 0) * keptFree), 0)
  return bytes <= free
    ? []
    : [refusal('no-room', `${bytesText(bytes)} are to be moved, and the other nodes have room for ${bytesText(free)}`)]
}

const identity: Rule = ({ survey, transferMode }) =>
  transferMode === 'auto'
    ? ofTables(
        'no-replica-identity',
        survey.tables.filter((table) => !table.identity),
        'tables without replica identity',
      )
    : []

const unlogged: Rule = ({ survey, transferMode }) =>
  transferMode === 'block_writes'
    ? []
    : ofTables(
        'unlogged-tables',
        survey.tables.filter((table) => table.unlogged),
        'unlogged tables',
      )

const foreign: Rule = ({ survey }) =>
  ofTables(
    'foreign-tables',
    survey.tables.filter((table) => table.foreign),
    'foreign tables',
  )

const replicated: Rule = ({ survey }) =>
  ofTables(
    'replicated-shards',
    survey.tables.filter((table) => table.replicated),
    'tables whose shards have several copies',
  )

function answerOf({ survey }: RemovalFacts, node: number): ServerAnswer | undefined {
  return survey.servers.find(({ nodeId }) => nodeId === node)?.answer ?? undefined
}

/** What too little is free of, with its setting; the source sends and the receivers subscribe, once for each owner of tables and each move at once. */
function tooLittle(answer: ServerAnswer, needed: number, sends: boolean): readonly string[] {
  const wanted: readonly (readonly [setting: string, capacity: Capacity, needed: number])[] = sends
    ? [
        ['max_replication_slots', answer.slots, needed],
        ['max_wal_senders', answer.senders, needed],
      ]
    : [
        ['max_replication_slots (origins)', answer.origins, needed],
        ['max_logical_replication_workers', answer.subscribers, needed],
      ]
  const short = wanted.filter(([, [most, used], count]) => most - used < count)
  const texts = short.map(
    ([setting, [most, used], count]) => `${setting} is ${most} with ${used} in use, and ${count} more are needed`,
  )
  return sends && answer.walLevel !== 'logical'
    ? [`wal_level is ${answer.walLevel}, and logical is needed`, ...texts]
    : texts
}

const replication: Rule = (facts) => {
  const { survey, target, transferMode } = facts
  if (transferMode === 'block_writes' || survey.tables.length === 0) return []
  const owners = new Set(survey.tables.map(({ owner }) => owner)).size
  const servers = [target.node, ...receivers(facts)]
  return servers.flatMap((node) => {
    const answer = answerOf(facts, node.nodeId)
    const missing = answer === undefined ? [] : tooLittle(answer, owners * survey.moves, node === target.node)
    return missing.map((what) => refusal('replication-settings', `on ${addressOf(node)} ${what}`))
  })
}

/** Every rule, in the order in which a person reads them. */
export const rules: readonly Rule[] = [
  isCoordinator,
  gap,
  otherRemoval,
  rebalance,
  deadWithShards,
  deadUnsettled,
  unreachable,
  unsynced,
  nowhere,
  room,
  identity,
  unlogged,
  foreign,
  replicated,
  replication,
]
