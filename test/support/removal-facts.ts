// A cluster of three workers of one StatefulSet whose last one is to be removed and nothing speaks against it, to be changed one thing at a time.
import type { Member } from '../../agent/cluster/ledger.ts'
import type { RemovalFacts } from '../../agent/removal/rules.ts'
import type { RemovalNode, ServerAnswer, ShardedTable, Survey } from '../../agent/removal/survey.ts'
import { memberOf, moment } from './join-facts.ts'

const GB = 1024 ** 3

export function removalNode(group: number, changes: Partial<RemovalNode> = {}): RemovalNode {
  return {
    nodeId: group + 10,
    groupId: group,
    host: group === 0 ? 'coordinator' : `worker-${group - 1}`,
    port: 5432,
    role: 'primary',
    active: true,
    synced: true,
    shouldHaveShards: group !== 0,
    shards: group === 0 ? 0 : 4,
    ...changes,
  }
}

export function shardedTable(name: string, changes: Partial<ShardedTable> = {}): ShardedTable {
  const plain = { identity: true, unlogged: false, foreign: false, replicated: false }
  return { name, owner: 'app', shards: 4, bytes: 3 * GB, rows: 1_000, ...plain, ...changes }
}

export function answerOf(changes: Partial<ServerAnswer> = {}): ServerAnswer {
  return {
    walLevel: 'logical',
    slots: [10, 0],
    origins: [10, 0],
    senders: [10, 1],
    subscribers: [4, 0],
    disk: { free: 80 * GB, all: 100 * GB },
    clients: 0,
    ...changes,
  }
}

export interface FactChanges {
  readonly nodes?: readonly RemovalNode[]
  readonly tables?: readonly ShardedTable[]
  readonly members?: readonly Member[]
  /** By node id; a text is why it does not answer. */
  readonly answers?: Readonly<Record<number, Partial<ServerAnswer> | string>>
  readonly survey?: Partial<Survey>
  readonly options?: Partial<Pick<RemovalFacts, 'transferMode' | 'allowGap'>>
  readonly target?: number
}

export const removalMembers = [
  memberOf('coordinator', 0),
  memberOf('worker-0', 1),
  memberOf('worker-1', 2),
  memberOf('worker-2', 3),
] as const

/** Facts about the removal of worker-2, or of another group. */
export function removalFacts(changes: FactChanges = {}): RemovalFacts {
  const { nodes = [0, 1, 2, 3].map((group) => removalNode(group)), answers = {}, target = 3 } = changes
  const members = changes.members ?? removalMembers
  const node = nodes.find(({ groupId, role }) => groupId === target && role === 'primary') ?? removalNode(target)
  const member = members.find(({ host }) => host === node.host)
  const survey: Survey = {
    now: moment,
    nodes,
    tables: changes.tables ?? [shardedTable('public.orders')],
    measured: true,
    servers: nodes.map(({ nodeId }) => {
      const said = answers[nodeId]
      return typeof said === 'string'
        ? { nodeId, answer: null, failure: said }
        : { nodeId, answer: answerOf(said), failure: null }
    }),
    prepared: { left: [], silent: [] },
    rebalance: undefined,
    moves: 1,
    removal: undefined,
    ...changes.survey,
  }
  return {
    target: { name: member?.name ?? `${node.host}:${node.port}`, node, member },
    survey,
    members,
    transferMode: 'auto',
    allowGap: false,
    ...changes.options,
  }
}
