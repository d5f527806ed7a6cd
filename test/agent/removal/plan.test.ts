// The plan of a removal: what speaks against it, one thing at a time, and that one thing hides no other.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { planRemoval, planText } from '../../../agent/removal/plan.ts'
import { refusals } from '../../../agent/removal/refusals.ts'
import type { RefusalCode } from '../../../agent/removal/refusals.ts'
import { memberOf, moment } from '../../support/join-facts.ts'
import { removalFacts, removalMembers, removalNode, shardedTable } from '../../support/removal-facts.ts'
import type { FactChanges } from '../../support/removal-facts.ts'

const nodes = [0, 1, 2, 3].map((group) => removalNode(group))
const silent = 'failed to connect to worker-2:5432'
const gone = { 13: silent }
const left = [{ where: 'worker-0:5432', gid: 'citus_3_9_9_0', age: 60 }]
const GB = 1024 ** 3
const full = { disk: { free: 11 * GB, all: 100 * GB } }
const maintenance = { on: true, changedAt: 1, reason: '' }

const refused: readonly (readonly [what: string, changes: FactChanges, code: RefusalCode, says: RegExp])[] = [
  ['the coordinator', { target: 0, tables: [] }, 'coordinator', /^coordinator is the coordinator$/],
  [
    'a worker that is not the last',
    { target: 2 },
    'leaves-gap',
    /^worker-1 is not the last of its StatefulSet: there is worker-2$/,
  ],
  [
    'another removal',
    { survey: { removal: { id: 'r', member: 'worker-1', nodeId: 12 } } },
    'another-removal',
    /removal of worker-1/,
  ],
  ['a rebalance', { survey: { rebalance: 7 } }, 'rebalance-runs', /^rebalance job 7 is going on$/],
  [
    'another node that is away',
    { answers: { 11: 'refused' } },
    'node-unreachable',
    /cannot reach worker-0:5432: refused$/,
  ],
  [
    'another node out of sync',
    { nodes: nodes.with(1, removalNode(1, { synced: false })) },
    'node-unsynced',
    /of worker-0:5432 is not in sync/,
  ],
  [
    'a dead node with shards',
    { answers: gone },
    'dead-with-shards',
    /worker-2 does not answer, and what it has is nowhere else, 4 shards: public\.orders \(4 shards, about 3\.0 GB and 1000 rows\)/,
  ],
  [
    'a dead node whose prepared transactions wait elsewhere',
    { answers: gone, tables: [], survey: { prepared: { left, silent: [] } } },
    'dead-unsettled',
    /citus_3_9_9_0 on worker-0:5432$/,
  ],
  [
    'nowhere to go',
    { nodes: nodes.map((node) => (node.groupId === 3 ? node : { ...node, shouldHaveShards: false, shards: 0 })) },
    'nowhere-to-go',
    /no other active node is to have shards/,
  ],
  [
    'too little room',
    { answers: { 11: full, 12: full } },
    'no-room',
    /^3\.0 GB are to be moved, and the other nodes have room for 2\.0 GB$/,
  ],
  [
    'a table without identity',
    { tables: [shardedTable('a', { identity: false })] },
    'no-replica-identity',
    /tables without replica identity \(1\): a$/,
  ],
  ['an unlogged table', { tables: [shardedTable('u', { unlogged: true })] }, 'unlogged-tables', /: u$/],
  ['a foreign table', { tables: [shardedTable('f', { foreign: true })] }, 'foreign-tables', /: f$/],
  ['shards with copies', { tables: [shardedTable('c', { replicated: true })] }, 'replicated-shards', /: c$/],
  [
    'wal_level',
    { answers: { 13: { walLevel: 'replica' } } },
    'replication-settings',
    /^on worker-2:5432 wal_level is replica, and logical is needed$/,
  ],
  [
    'no slot',
    { answers: { 13: { slots: [4, 4] } } },
    'replication-settings',
    /max_replication_slots is 4 with 4 in use, and 1 more are needed/,
  ],
  ['no sender', { answers: { 13: { senders: [2, 2] } } }, 'replication-settings', /max_wal_senders is 2/],
  [
    'no subscriber there',
    { answers: { 11: { subscribers: [4, 4] } } },
    'replication-settings',
    /^on worker-0:5432 max_logical_replication_workers/,
  ],
  [
    'no origin there',
    { answers: { 12: { origins: [0, 0] } } },
    'replication-settings',
    /^on worker-1:5432 max_replication_slots \(origins\)/,
  ],
  [
    'a slot for each owner and each move at once',
    {
      answers: { 13: { slots: [5, 2] } },
      survey: { moves: 2 },
      tables: [shardedTable('a'), shardedTable('b', { owner: 'x' })],
    },
    'replication-settings',
    /max_replication_slots is 5 with 2 in use, and 4 more are needed/,
  ],
]

suite('a removal is refused for', () => {
  for (const [what, changes, code, says] of refused)
    test(`${what}, with what to do`, () => {
      const { refusals: found } = planRemoval(removalFacts(changes))
      assert.deepEqual([...new Set(found.map((one) => one.code))], [code])
      assert.match(found[0]?.reason ?? '', says)
      assert.equal(found[0]?.action, refusals[code])
    })

  test('everything at once, where everything is wrong', () => {
    const { refusals: found } = planRemoval(
      removalFacts({
        target: 2,
        answers: { 11: 'refused' },
        tables: [shardedTable('a', { identity: false, unlogged: true, replicated: true })],
        survey: { rebalance: 7 },
      }),
    )
    assert.deepEqual(
      found.map(({ code }) => code),
      [
        'leaves-gap',
        'rebalance-runs',
        'node-unreachable',
        'no-replica-identity',
        'unlogged-tables',
        'replicated-shards',
      ],
    )
  })
})

/** Changes under which nothing speaks against it. */
const allowed: readonly (readonly [what: string, changes: FactChanges])[] = [
  ['nothing is in the way', {}],
  ['the gap is allowed', { target: 2, options: { allowGap: true } }],
  ['the higher ordinal is removed already', { target: 2, nodes: nodes.slice(0, 3) }],
  [
    'the higher ordinal is of the same group, a standby',
    { members: [...removalMembers, memberOf('worker-3', 3, { host: 'worker-3', inRecovery: true })] },
  ],
  ['the higher ordinal is of another set', { members: [...removalMembers, memberOf('other-9', 8)] }],
  [
    'its name has no ordinal',
    { target: 1, members: [memberOf('coordinator', 0), memberOf('red', 1, { host: 'worker-0' })] },
  ],
  ['its own removal goes on', { survey: { removal: { id: 'r', member: 'worker-2', nodeId: 13 } } }],
  ['it is dead and has nothing', { answers: gone, tables: [] }],
  [
    'writes are blocked instead',
    {
      tables: [shardedTable('a', { identity: false, unlogged: true })],
      answers: { 13: { walLevel: 'replica' } },
      options: { transferMode: 'block_writes' },
    },
  ],
  [
    'updates may fail',
    { tables: [shardedTable('a', { identity: false })], options: { transferMode: 'force_logical' } },
  ],
  ['nobody says how much room there is', { answers: { 11: { disk: null }, 12: full } }],
  ['nobody says how much it is', { tables: [shardedTable('a', { bytes: null })], answers: { 11: full, 12: full } }],
  ['it has no shards, whatever the settings', { tables: [], answers: { 13: { walLevel: 'replica', slots: [0, 0] } } }],
]

suite('a removal is not refused where', () => {
  for (const [what, changes] of allowed)
    test(what, () => assert.deepEqual(planRemoval(removalFacts(changes)).refusals, []))
})

test('a higher ordinal that has not joined yet leaves a gap as well, and one that is lost does not', () => {
  const joins = memberOf('worker-7', 0, { groupId: null, nodeId: null, role: 'worker' })
  const codes = (lastSeen: number): readonly string[] =>
    planRemoval(removalFacts({ members: [...removalMembers, { ...joins, lastSeen }] })).refusals.map(({ code }) => code)
  assert.deepEqual(codes(moment), ['leaves-gap'])
  assert.deepEqual(codes(moment - 3_600_000), [])
})

const warnings: readonly (readonly [says: RegExp, changes: FactChanges])[] = [
  [/does not answer \(failed to connect/, { answers: gone, tables: [] }],
  [/2 clients directly connected/, { answers: { 13: { clients: 2 } } }],
  [
    /worker-0:5432 is to have no shards either, and the same move empties it of 4 shards/,
    { nodes: nodes.with(1, removalNode(1, { shouldHaveShards: false })) },
  ],
  [
    /its secondary b:5432 is removed with it/,
    { nodes: [...nodes, removalNode(3, { host: 'b', nodeId: 99, role: 'secondary' })] },
  ],
  [/writes to a shard wait/, { options: { transferMode: 'block_writes' } }],
  [
    /updates and deletes of tables without replica identity fail/,
    { tables: [shardedTable('a', { identity: false })], options: { transferMode: 'force_logical' } },
  ],
  [
    /coordinator's sidecar is not heard of/,
    { members: removalMembers.with(0, memberOf('coordinator', 0, { lastSeen: 0 })) },
  ],
  [/coordinator is in maintenance/, { members: removalMembers.with(0, memberOf('coordinator', 0, { maintenance })) }],
  [
    /its sidecar is not heard of, but its PostgreSQL answers/,
    { members: removalMembers.with(3, memberOf('worker-2', 3, { lastSeen: 0 })) },
  ],
]

suite('a plan warns', () => {
  for (const [says, changes] of warnings)
    test(`with ${String(says)}`, () => {
      const found = planRemoval(removalFacts(changes))
      assert.deepEqual([found.warnings.length, found.refusals], [1, []])
      assert.match(found.warnings[0] ?? '', says)
    })

  test('of nothing where all is well', () => assert.deepEqual(planRemoval(removalFacts()).warnings, []))
})

suite('a plan', () => {
  const steps = (changes: FactChanges): readonly string[] =>
    planRemoval(removalFacts(changes)).steps.map(({ name }) => name)

  test('has the steps that will be taken', () => {
    assert.deepEqual(steps({}), ['shards-off', 'move', 'settle', 'remove'])
    assert.deepEqual(steps({ tables: [] }), ['shards-off', 'settle', 'remove'])
    assert.deepEqual(steps({ answers: gone, tables: [] }), ['settle', 'remove'])
  })

  test('is read by people: node, steps, tables, warnings, refusals with what to do', () => {
    const text = planText(
      planRemoval(removalFacts({ survey: { rebalance: 7 }, options: { transferMode: 'block_writes' } })),
    )
    assert.match(text, /^worker-2: node 13 of group 3 at worker-2:5432$/m)
    assert.match(text, /^ {2}move {8}4 shards of 1 table, 3\.0 GB, to 2 nodes, in the background \(block_writes\)$/m)
    assert.match(text, /^ {2}tables {6}public\.orders \(4 shards/m)
    assert.match(text, /^warning: writes to a shard wait/m)
    assert.match(text, /^refused: rebalance-runs: rebalance job 7 is going on; wait until it has ended/m)
  })
})
