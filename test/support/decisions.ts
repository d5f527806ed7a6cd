// What is decided about a registration in which situation: the cases of decide(), as a table.
import type { JoinFacts } from '../../agent/cluster/facts.ts'
import type { FindingCode } from '../../agent/cluster/findings.ts'
import type { ActionName } from '../../agent/cluster/ledger.ts'
import * as known from './join-facts.ts'
import { blankNotebook, coordinatorFacts, coordinatorRow, memberOf, newcomerFacts } from './join-facts.ts'
import { otherRow, ownRow, rowOf, standbyFacts, workerFacts } from './join-facts.ts'

const verifiedNever = { notebook: { ...blankNotebook, name: 'worker-1', timeline: 3 } }
const without = (name: string) => known.members.filter((member) => member.name !== name)
const history = '3\t0/5500000\tpromoted\n'

/** worker-1-b was the standby of worker-1 and has been promoted; the coordinator still has worker-1. */
const promoted = {
  self: { name: 'worker-1-b', address: { host: 'worker-1-b', port: 5432 } },
  identity: { timeline: 4 },
  notebook: { name: 'worker-1' },
  members: [...known.members, memberOf('worker-1-b', 2, { inRecovery: true, nodeId: null })],
  history,
} as const
/** The same for coordinator-b, which was the standby of coordinator. */
const promotedCoordinator = {
  self: { name: 'coordinator-b', address: { host: 'coordinator-b', port: 5432 } },
  identity: { timeline: 4 },
  notebook: { name: 'coordinator' },
  members: [...known.members, memberOf('coordinator-b', 0, { inRecovery: true, nodeId: null })],
  history,
} as const

/** A decision in two words. */
export type Expected = 'nothing' | `act ${ActionName}` | `stop ${FindingCode}`
/** A situation, its facts, what is decided, and what that says. */
export type Row = readonly [what: string, facts: JoinFacts, expected: Expected, says?: RegExp]

/** Every action and every finding that deciding can come to. */
export const decisions: readonly Row[] = [
  ['a worker that restarts', workerFacts(), 'nothing'],
  ['a coordinator that restarts', coordinatorFacts(), 'nothing'],
  ['a standby that need not register', standbyFacts(), 'nothing'],
  [
    'a standby that is registered',
    standbyFacts({
      self: { registerStandby: true },
      nodes: [coordinatorRow, ownRow, otherRow, rowOf(2, 'worker-1-b', { nodeId: 9, role: 'secondary' })],
    }),
    'nothing',
  ],

  ['a coordinator without a host', coordinatorFacts({ nodes: [] }), 'act set-coordinator-host'],
  [
    'a coordinator that was registered as localhost',
    coordinatorFacts({ nodes: [rowOf(0, 'localhost')] }),
    'act update-address',
    /registered at localhost:5432|has group 0 at localhost:5432/,
  ],
  [
    'a coordinator on another port',
    coordinatorFacts({ nodes: [rowOf(0, 'coordinator', { port: 6_000 })] }),
    'act update-address',
  ],
  ['a new worker', newcomerFacts(), 'act add'],
  [
    'a new worker whose group is free, beside others',
    newcomerFacts({ nodes: [coordinatorRow, otherRow, rowOf(7, 'worker-6')] }),
    'act add',
  ],
  [
    'a worker at a new address',
    workerFacts({ self: { address: { host: 'worker-1.new', port: 5432 } } }),
    'act update-address',
    /has group 2 at worker-1:5432/,
  ],
  [
    'a worker on a new port',
    workerFacts({ self: { address: { host: 'worker-1', port: 6_000 } } }),
    'act update-address',
  ],
  ['a standby that is to register', standbyFacts({ self: { registerStandby: true } }), 'act add-secondary'],
  [
    'a disabled worker that a person accepted',
    workerFacts({ nodes: [coordinatorRow, rowOf(2, 'worker-1', { active: false })], accepted: 'disabled' }),
    'act activate',
  ],
  [
    'a disabled standby that a person accepted',
    standbyFacts({
      nodes: [coordinatorRow, ownRow, rowOf(2, 'worker-1-b', { nodeId: 9, role: 'secondary', active: false })],
      accepted: 'disabled',
    }),
    'act activate',
  ],
  [
    'an empty volume that a person accepted',
    newcomerFacts({ nodes: [coordinatorRow, ownRow], accepted: 'volume-empty' }),
    'act activate',
  ],
  [
    'a removed worker that a person accepted',
    workerFacts({
      nodes: [coordinatorRow, otherRow],
      members: without('worker-1'),
      notebook: blankNotebook,
      accepted: 'removed',
    }),
    'act add',
  ],
  [
    'an emptied coordinator that a person accepted',
    workerFacts({
      nodes: [coordinatorRow],
      members: without('worker-1'),
      notebook: blankNotebook,
      accepted: 'coordinator-emptied',
    }),
    'act add',
  ],
  [
    'a promotion that is to be followed',
    workerFacts({ ...promoted, self: { ...promoted.self, followPromotion: true } }),
    'act follow-promotion',
    /promoted on timeline 4/,
  ],
  [
    'a promoted coordinator that is to be followed',
    coordinatorFacts({ ...promotedCoordinator, self: { ...promotedCoordinator.self, followPromotion: true } }),
    'act follow-promotion',
  ],

  ['a coordinator in recovery', workerFacts({ coordinator: { inRecovery: true } }), 'stop coordinator-standby'],
  ['a coordinator that has not set its host', newcomerFacts({ nodes: [] }), 'stop coordinator-without-host'],
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
  ['a worker that was removed by hand', workerFacts({ nodes: [coordinatorRow, otherRow] }), 'stop removed'],
  [
    'a removed worker that only the ledger remembers',
    workerFacts({ nodes: [coordinatorRow, otherRow], notebook: blankNotebook }),
    'stop removed',
  ],
]
