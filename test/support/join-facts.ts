// The facts of a worker, a coordinator or a standby that joined long ago and restarts, to be changed one thing at a time.
import type { JoinFacts, Self } from '../../agent/cluster/facts.ts'
import { groupWish } from '../../agent/cluster/facts.ts'
import type { Member } from '../../agent/cluster/ledger.ts'
import type { Notebook } from '../../agent/cluster/notebook.ts'
import type { LocalMetadata } from '../../probes/citus/local.ts'
import type { ClusterNode, ClusterView } from '../../probes/citus/nodes.ts'
import type { Identity } from '../../probes/postgres/identity.ts'

export const moment = Date.parse('2025-06-01T12:00:00Z')

/** A row of pg_dist_node on the coordinator; node id and group id are one number here. */
export function rowOf(group: number, host: string, changes: Partial<ClusterNode> = {}): ClusterNode {
  return {
    nodeId: group,
    groupId: group,
    host,
    port: 5432,
    role: 'primary',
    cluster: 'default',
    active: true,
    hasMetadata: true,
    metadataSynced: true,
    shouldHaveShards: group !== 0,
    placements: group === 0 ? 0 : 4,
    ...changes,
  }
}

/** A row of the ledger. */
export function memberOf(name: string, group: number, changes: Partial<Member> = {}): Member {
  return {
    name,
    role: group === 0 ? 'coordinator' : 'worker',
    host: name,
    port: 5432,
    groupId: group,
    nodeId: group,
    systemIdentifier: String(7_000 + group),
    serverId: `server-${group}`,
    timeline: 3,
    lsn: '0/5000000',
    inRecovery: false,
    postgresVersion: '15.20',
    citusVersion: '13.2.2',
    sidecarVersion: '0.1.0',
    state: 'ready',
    ready: true,
    reason: '',
    maintenance: null,
    lagBytes: null,
    lastSeen: moment - 1_000,
    heartbeatSeconds: 30,
    httpPort: 9187,
    pooler: null,
    ...changes,
  }
}

export const coordinatorRow = rowOf(0, 'coordinator')
export const ownRow = rowOf(2, 'worker-1')
export const otherRow = rowOf(3, 'worker-2')
export const members = [memberOf('coordinator', 0), memberOf('worker-1', 2), memberOf('worker-2', 3)]

/** The members but for one. */
export const without = (name: string): readonly Member[] => members.filter((member) => member.name !== name)

/** The history file of timeline 4: it branches above what the ledger knows. */
export const history = '3\t0/5500000\tpromoted\n'

/** worker-1-b was the standby of worker-1 and has been promoted; the coordinator still has worker-1. */
export const promoted = {
  self: { name: 'worker-1-b', address: { host: 'worker-1-b', port: 5432 } },
  identity: { timeline: 4 },
  notebook: { name: 'worker-1' },
  members: [...members, memberOf('worker-1-b', 2, { inRecovery: true, nodeId: null })],
  history,
} as const
/** The same for coordinator-b, which was the standby of coordinator. */
export const promotedCoordinator = {
  self: { name: 'coordinator-b', address: { host: 'coordinator-b', port: 5432 } },
  identity: { timeline: 4 },
  notebook: { name: 'coordinator' },
  members: [...members, memberOf('coordinator-b', 0, { inRecovery: true, nodeId: null })],
  history,
} as const

/** A notebook in which nothing was ever written. */
export const blankNotebook: Notebook = {
  name: undefined,
  systemIdentifier: undefined,
  timeline: undefined,
  groupId: undefined,
  nodeId: undefined,
  coordinatorSystemIdentifier: undefined,
  coordinatorServerId: undefined,
  verifiedAt: undefined,
  maintenance: undefined,
}

/** What differs from a node that is as it should be; parts are merged, lists replaced. */
export interface Changes {
  readonly self?: Partial<Omit<Self, 'identity' | 'local'>>
  readonly identity?: Partial<Identity>
  readonly local?: Partial<LocalMetadata>
  readonly notebook?: Partial<Notebook>
  readonly coordinator?: Partial<ClusterView['coordinator']>
  readonly nodes?: readonly ClusterNode[]
  readonly members?: readonly Member[]
  readonly history?: string
  readonly accepted?: JoinFacts['accepted']
}

function factsOf(group: number, name: string, changes: Changes): JoinFacts {
  const role = group === 0 ? 'coordinator' : 'worker'
  const systemIdentifier = String(7_000 + group)
  return {
    self: {
      name,
      role,
      address: { host: name, port: 5432 },
      group: groupWish(role, name, undefined),
      registerStandby: false,
      followPromotion: false,
      clusterName: 'default',
      ...changes.self,
      identity: {
        startedAt: moment - 60_000,
        systemIdentifier,
        timeline: 3,
        lsn: '0/6000000',
        inRecovery: false,
        serverVersion: '15.20',
        serverVersionNum: 150_020,
        checkpointerSince: null,
        extensions: ['citus'],
        ...changes.identity,
      },
      local: {
        startedAt: moment - 60_000,
        groupId: group,
        serverId: `server-${group}`,
        placements: 8,
        nodes: 3,
        groupPrimary: { host: name, port: 5432 },
        daemonRunning: true,
        ...changes.local,
      },
    },
    notebook: {
      name,
      systemIdentifier,
      timeline: 3,
      groupId: group,
      nodeId: group,
      coordinatorSystemIdentifier: '7000',
      coordinatorServerId: 'server-0',
      verifiedAt: moment - 120_000,
      maintenance: undefined,
      ...changes.notebook,
    },
    view: {
      coordinator: {
        systemIdentifier: '7000',
        serverId: 'server-0',
        groupId: 0,
        inRecovery: false,
        ...changes.coordinator,
      },
      nodes: changes.nodes ?? [coordinatorRow, ownRow, otherRow],
    },
    members: changes.members ?? members,
    timelineHistory: changes.history ?? '',
    accepted: changes.accepted,
  }
}

/** The worker worker-1 of group 2. */
export function workerFacts(changes: Changes = {}): JoinFacts {
  return factsOf(2, 'worker-1', changes)
}

/** The coordinator. */
export function coordinatorFacts(changes: Changes = {}): JoinFacts {
  return factsOf(0, 'coordinator', changes)
}

/** A worker that was never part of anything, with an empty volume. */
export function newcomerFacts(changes: Changes = {}): JoinFacts {
  return workerFacts({
    nodes: [coordinatorRow, otherRow],
    members: members.filter(({ name }) => name !== 'worker-1'),
    ...changes,
    local: { groupId: 0, placements: 0, nodes: 0, groupPrimary: undefined, serverId: undefined, ...changes.local },
    notebook: { ...blankNotebook, ...changes.notebook },
  })
}

/** The standby worker-1-b of group 2, beside the primary worker-1. */
export function standbyFacts(changes: Changes = {}): JoinFacts {
  return factsOf(2, 'worker-1-b', {
    ...changes,
    identity: { inRecovery: true, ...changes.identity },
    // A standby has its primary's notebook and is not registered itself.
    notebook: { name: 'worker-1', ...changes.notebook },
    local: { groupPrimary: { host: 'worker-1', port: 5432 }, ...changes.local },
    members: changes.members ?? [...members, memberOf('worker-1-b', 2, { nodeId: null, inRecovery: true })],
  })
}
