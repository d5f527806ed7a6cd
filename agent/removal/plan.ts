// What a removal would do and what speaks against it: a pure function of the survey, the same for the command and for who carries it out.
import { gaveUpAddress, isLost } from '../cluster/silence.ts'
import { bytesText, countText } from './amounts.ts'
import { listed } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import { bytesOf, isDead, receivers, rules, tableText } from './rules.ts'
import type { RemovalFacts } from './rules.ts'
import type { ShardedTable } from './survey.ts'

export interface RemovalPlan {
  readonly member: string
  readonly nodeId: number
  readonly group: number
  readonly address: string
  /** Whether the node answers the coordinator. */
  readonly alive: boolean
  readonly tables: readonly ShardedTable[]
  readonly shards: number
  /** Of all shards to move; null where nobody says. */
  readonly bytes: number | null
  /** Where they may go. */
  readonly receivers: readonly string[]
  readonly steps: readonly { readonly name: string; readonly what: string }[]
  readonly warnings: readonly string[]
  readonly refusals: readonly Refusal[]
}

/** Plans the removal of a node. */
export function planRemoval(facts: RemovalFacts): RemovalPlan {
  const { target, survey } = facts
  const { node } = target
  const bytes = bytesOf(survey.tables)
  const shards = survey.tables.reduce((sum, table) => sum + table.shards, 0)
  return {
    member: target.name,
    nodeId: node.nodeId,
    group: node.groupId,
    address: `${node.host}:${node.port}`,
    alive: !isDead(facts),
    tables: survey.tables,
    shards,
    bytes: bytes ?? null,
    receivers: receivers(facts).map(({ host, port }) => `${host}:${port}`),
    steps: stepsOf(facts, shards, bytes),
    warnings: warningsOf(facts),
    refusals: rules.flatMap((rule) => rule(facts)),
  }
}

function stepsOf(facts: RemovalFacts, shards: number, bytes: number | undefined): RemovalPlan['steps'] {
  const { target, survey, transferMode } = facts
  const dead = isDead(facts)
  const size = bytes === undefined ? 'of unknown size' : `${survey.measured ? '' : 'about '}${bytesText(bytes)}`
  const move = `${countText(shards, 'shard')} of ${countText(survey.tables.length, 'table')}, ${size}, to ${countText(receivers(facts).length, 'node')}, in the background (${transferMode})`
  const waits = survey.prepared.left.length
  const steps: readonly (readonly [name: string, what: string, applies: boolean])[] = [
    [
      'shards-off',
      'citus_set_node_property(shouldhaveshards, false): nothing new comes to it',
      !dead && target.node.role === 'primary',
    ],
    ['move', move, shards > 0],
    ['settle', `prepared transactions that it began are brought to an end on every node (now ${waits})`, true],
    ['remove', dead ? 'citus_disable_node, then citus_remove_node' : 'citus_remove_node', true],
  ]
  return steps.flatMap(([name, what, applies]) => (applies ? [{ name, what }] : []))
}

function warningsOf(facts: RemovalFacts): readonly string[] {
  const { survey, target, members, transferMode } = facts
  const { node } = target
  const { now } = survey
  const own = survey.servers.find(({ nodeId }) => nodeId === node.nodeId)
  const clients = own?.answer?.clients ?? 0
  const emptied = survey.nodes.filter(
    (one) => one.nodeId !== node.nodeId && one.role === 'primary' && !one.shouldHaveShards && one.shards > 0,
  )
  const secondaries = survey.nodes.filter(
    (one) => node.role === 'primary' && one.groupId === node.groupId && one.nodeId !== node.nodeId,
  )
  const coordinator = members.find(({ role, inRecovery }) => role === 'coordinator' && !inRecovery)
  return [
    ...(own?.failure === null || own === undefined
      ? []
      : [`it does not answer (${own.failure}): it will not know that it was removed`]),
    ...(clients === 0
      ? []
      : [
          `${countText(clients, 'client')} directly connected to it: what they do there after the removal is no longer of the cluster`,
        ]),
    ...emptied.map(
      (one) =>
        `${one.host}:${one.port} is to have no shards either, and the same move empties it of ${countText(one.shards, 'shard')}`,
    ),
    ...secondaries.map(({ host, port }) => `its secondary ${host}:${port} is removed with it`),
    ...(transferMode === 'block_writes' && survey.tables.length > 0
      ? ['writes to a shard wait while it is copied']
      : []),
    ...(transferMode === 'force_logical' && survey.tables.some(({ identity }) => !identity)
      ? ['updates and deletes of tables without replica identity fail while their shards are copied']
      : []),
    ...(coordinator === undefined || isLost(coordinator, now)
      ? ["the coordinator's sidecar is not heard of: nothing is done before it is back"]
      : []),
    ...(coordinator?.maintenance?.on === true
      ? ['the coordinator is in maintenance: nothing is done before that is off']
      : []),
    ...(target.member !== undefined && !isDead(facts) && gaveUpAddress(target.member, now)
      ? ['its sidecar is not heard of, but its PostgreSQL answers']
      : []),
  ]
}

/** The plan for people. */
export function planText(plan: RemovalPlan): string {
  const steps = plan.steps.map(({ name, what }) => `  ${name.padEnd(12)}${what}`)
  const tables = plan.tables.length === 0 ? [] : [`  tables      ${listed(plan.tables.map(tableText))}`]
  return [
    `${plan.member}: node ${plan.nodeId} of group ${plan.group} at ${plan.address}${plan.alive ? '' : ', does not answer'}`,
    ...steps,
    ...tables,
    ...plan.warnings.map((warning) => `warning: ${warning}`),
    ...refusalLines(plan.refusals),
    '',
  ].join('\n')
}

/** One line a refusal, with what to do. */
export function refusalLines(found: readonly Refusal[]): readonly string[] {
  return found.map(({ code, reason, action }) => `refused: ${code}: ${reason}; ${action}`)
}
