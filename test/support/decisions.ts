// What is decided about a registration in which situation: the cases of decide() in which something is done, or nothing has to be.
import type { JoinFacts } from '../../agent/cluster/facts.ts'
import type { FindingCode } from '../../agent/cluster/findings.ts'
import type { ActionName } from '../../agent/cluster/ledger.ts'
import { blankNotebook, coordinatorFacts, coordinatorRow, memberOf, members } from './join-facts.ts'
import { newcomerFacts, otherRow, ownRow, promoted, promotedCoordinator, rowOf } from './join-facts.ts'
import { standbyFacts, without, workerFacts } from './join-facts.ts'

/** A decision in two words. */
export type Expected = 'nothing' | `act ${ActionName}` | `stop ${FindingCode}`
/** A situation, its facts, what is decided, and what that says. */
export type Row = readonly [what: string, facts: JoinFacts, expected: Expected, says?: RegExp]

/** Every action, and where none is needed. */
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

  [
    'a standby that has been seen under the node id of its primary, and is to register',
    standbyFacts({
      self: { registerStandby: true },
      members: [...members, memberOf('worker-1-b', 2, { inRecovery: true })],
    }),
    'act add-secondary',
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
  ['an accepted volume that has its metadata by now', workerFacts({ accepted: 'volume-empty' }), 'nothing'],
  [
    'a volume of an unknown group without data, of a node that nobody knows',
    workerFacts({
      nodes: [coordinatorRow, otherRow],
      members: without('worker-1'),
      notebook: blankNotebook,
      local: { placements: 0 },
    }),
    'act add',
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
]
