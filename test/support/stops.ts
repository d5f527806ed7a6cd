// The cases of decide() in which joining waits or is refused.
import type { Row } from './decisions.ts'
import * as known from './join-facts.ts'
import { blankNotebook, coordinatorFacts, coordinatorRow, memberOf, newcomerFacts, otherRow } from './join-facts.ts'
import { ownRow, promoted, promotedCoordinator, rowOf, standbyFacts, without, workerFacts } from './join-facts.ts'

const verifiedNever = { notebook: { ...blankNotebook, name: 'worker-1', timeline: 3 } }

/** Every finding that deciding can come to, and beside some the case that only looks like it. */
export const stops: readonly Row[] = [
  ['a coordinator in recovery', workerFacts({ coordinator: { inRecovery: true } }), 'stop coordinator-standby'],
  ['a coordinator that has not set its host', newcomerFacts({ nodes: [] }), 'stop coordinator-without-host'],
  [
    'a standby of a worker that never joined',
    standbyFacts({ self: { registerStandby: true }, local: { groupId: 0 } }),
    'stop registration-waits',
    /has not joined the cluster yet/,
  ],
  [
    'a coordinator whose group has a secondary alone',
    coordinatorFacts({ nodes: [rowOf(0, 'coordinator-b', { role: 'secondary' })] }),
    'stop registration-waits',
    /a secondary but no primary/,
  ],
  [
    'a standby of a group that is not registered',
    standbyFacts({ self: { registerStandby: true }, nodes: [coordinatorRow, otherRow] }),
    'stop registration-waits',
  ],
  [
    'a worker that is registered and was never in sync',
    workerFacts({ ...verifiedNever, nodes: [coordinatorRow, rowOf(2, 'worker-1', { metadataSynced: false })] }),
    'stop metadata-unsynced',
  ],
  [
    'a worker that was verified and is out of sync',
    workerFacts({ nodes: [coordinatorRow, rowOf(2, 'worker-1', { metadataSynced: false })] }),
    'nothing',
  ],
  ['a promotion that nobody is to follow', workerFacts(promoted), 'stop primary-restarts', /promoted on timeline 4/],
  [
    'a promotion that only the ledger shows',
    workerFacts({ ...promoted, notebook: blankNotebook }),
    'stop primary-restarts',
  ],
  [
    "a node with another node's notebook, whose promotion the ledger does not show",
    workerFacts({ ...promoted, self: { ...promoted.self, followPromotion: true }, members: [memberOf('worker-2', 3)] }),
    'stop primary-restarts',
  ],
  [
    'a promoted coordinator that nobody is to follow',
    coordinatorFacts(promotedCoordinator),
    'stop primary-restarts',
    /promoted on timeline 4/,
  ],
  [
    'a registered standby that was promoted',
    workerFacts({
      ...promoted,
      nodes: [coordinatorRow, ownRow, rowOf(2, 'worker-1-b', { nodeId: 9, role: 'secondary' })],
    }),
    'stop primary-restarts',
    /promoted on timeline 4/,
  ],
  [
    'the primary of a group that is in recovery',
    standbyFacts({ self: { name: 'worker-1', address: { host: 'worker-1', port: 5432 } } }),
    'stop primary-restarts',
    /is in recovery|but this node is in recovery/,
  ],

  [
    'a worker named as coordinator',
    workerFacts({ coordinator: { groupId: 3 } }),
    'stop role-mismatch',
    /worker of group 3/,
  ],
  [
    "a coordinator on a worker's volume",
    coordinatorFacts({ local: { groupId: 2 } }),
    'stop role-mismatch',
    /worker of group 2/,
  ],
  [
    "a worker on the coordinator's volume",
    workerFacts({ identity: { systemIdentifier: '7000' }, local: { groupId: 0 } }),
    'stop role-mismatch',
    /that of the coordinator/,
  ],
  [
    'an address registered in another group',
    workerFacts({ nodes: [coordinatorRow, rowOf(5, 'worker-1')] }),
    'stop group-mismatch',
    /in group 5, this volume is that of group 2/,
  ],
  [
    'a configured group that is not the registered one',
    workerFacts({ self: { group: { id: 5, from: 'configured' } } }),
    'stop group-mismatch',
    /group 5 is configured/,
  ],
  [
    'a group by ordinal that is not the registered one',
    workerFacts({ self: { group: { id: 5, from: 'ordinal' } } }),
    'nothing',
  ],
  [
    'a new worker whose group is taken',
    newcomerFacts({ nodes: [coordinatorRow, rowOf(2, 'worker-9')] }),
    'stop group-taken',
    /node 2 at worker-9:5432/,
  ],
  [
    'a group that is at the address of a standby of this node',
    workerFacts({
      nodes: [coordinatorRow, rowOf(2, 'worker-9')],
      members: [...known.members, memberOf('worker-9', 2, { systemIdentifier: '7002', inRecovery: true })],
    }),
    'stop group-taken',
  ],
  [
    'a group that is at the address of another member',
    workerFacts({
      nodes: [coordinatorRow, rowOf(2, 'worker-9')],
      members: [...known.members, memberOf('worker-9', 2, { systemIdentifier: '7009' })],
    }),
    'stop group-taken',
    /which is member worker-9/,
  ],
  [
    'an address that another member announces',
    workerFacts({ members: [...known.members, memberOf('twin', 9, { host: 'worker-1' })] }),
    'stop address-taken',
    /member twin/,
  ],
  [
    'an address that a lost member once announced',
    workerFacts({
      members: [...known.members, memberOf('twin', 9, { host: 'worker-1', lastSeen: known.moment - 300_000 })],
    }),
    'nothing',
  ],
  ['another coordinator', workerFacts({ coordinator: { systemIdentifier: '9999' } }), 'stop coordinator-changed'],
  ['a coordinator without any placement', workerFacts({ nodes: [coordinatorRow] }), 'stop coordinator-emptied'],
  [
    "a volume with another group's data that the coordinator does not know",
    workerFacts({ nodes: [coordinatorRow, otherRow], members: without('worker-1'), notebook: blankNotebook }),
    'stop coordinator-emptied',
    /group 2, which the coordinator does not have/,
  ],
  ['an empty volume at a registered address', newcomerFacts({ nodes: [coordinatorRow, ownRow] }), 'stop volume-empty'],
  ['a foreign volume', workerFacts({ identity: { systemIdentifier: '9999' } }), 'stop volume-foreign'],
  ['a cloned volume', workerFacts({ identity: { systemIdentifier: '7003' } }), 'stop volume-cloned'],
  ['a rolled-back volume', workerFacts({ identity: { lsn: '0/1' } }), 'stop volume-rolled-back'],
  [
    'a branched volume',
    workerFacts({ identity: { timeline: 4 }, history: '3\t0/4000000\tno\n' }),
    'stop volume-branched',
  ],
  [
    'a worker that was disabled by hand',
    workerFacts({ nodes: [coordinatorRow, rowOf(2, 'worker-1', { active: false })] }),
    'stop disabled',
    /node 2 was disabled/,
  ],
  [
    'a standby that was disabled by hand',
    standbyFacts({
      nodes: [coordinatorRow, ownRow, rowOf(2, 'worker-1-b', { nodeId: 9, role: 'secondary', active: false })],
    }),
    'stop disabled',
    /node 9 was disabled/,
  ],
  [
    'a worker that was disabled by hand, and something else was accepted',
    workerFacts({ nodes: [coordinatorRow, rowOf(2, 'worker-1', { active: false })], accepted: 'removed' }),
    'stop disabled',
  ],
  [
    'a registered standby that was removed by hand',
    standbyFacts({
      self: { registerStandby: true },
      members: [...known.members, memberOf('worker-1-b', 2, { nodeId: 9, inRecovery: true })],
    }),
    'stop removed',
    /registered as node 9/,
  ],
  [
    'an address that a member announces seldom',
    workerFacts({
      members: [
        ...known.members,
        memberOf('twin', 9, { host: 'worker-1', lastSeen: known.moment - 1_800_000, heartbeatSeconds: 600 }),
      ],
    }),
    'stop address-taken',
  ],
  ['a worker that was removed by hand', workerFacts({ nodes: [coordinatorRow, otherRow] }), 'stop removed'],
  [
    'a removed worker that only the ledger remembers',
    workerFacts({ nodes: [coordinatorRow, otherRow], notebook: blankNotebook }),
    'stop removed',
  ],
]
