// The cluster as a table: members joined with what the coordinator has, and how that reads.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { clusterTable, joinStatus, readClusterStatus } from '../../../agent/cluster/cluster-status.ts'
import type { NodeLine } from '../../../agent/cluster/cluster-status.ts'
import type { Member } from '../../../agent/cluster/ledger.ts'
import type { ClusterNode } from '../../../probes/citus/nodes.ts'
import { coordinatorRow, memberOf, members, moment, otherRow, ownRow, rowOf } from '../../support/join-facts.ts'
import { scriptedSql } from '../../support/scripted-sql.ts'

const rows = [coordinatorRow, ownRow, otherRow]

function lineOf(name: string, list: readonly Member[], nodes: readonly ClusterNode[] = rows): NodeLine {
  const line = joinStatus(list, nodes, moment).nodes.find(({ node }) => node === name)
  assert.ok(line !== undefined)
  return line
}

function one(changes: Partial<Member>, row: Partial<ClusterNode> | undefined = {}): NodeLine {
  const nodes = row === undefined ? [] : [rowOf(2, 'worker-1', row)]
  return lineOf('worker-1', [memberOf('worker-1', 2, changes)], nodes)
}

type Case = readonly [what: string, line: NodeLine, state: string, ready: boolean | null]
const unregistered = lineOf('worker-1', [memberOf('worker-1', 2)], [])
const lost = { lastSeen: moment - 75_001 }

const states: readonly Case[] = [
  ['a ready node', one({}), 'active', true],
  ['an unready node', one({ state: 'unready', ready: false }), 'active', false],
  ['a node that the coordinator does not have', unregistered, 'unregistered', true],
  ['a disabled node', one({ state: 'refused', ready: false }, { active: false }), 'disabled, refused', false],
  ['a node in maintenance', one({ state: 'maintenance', ready: false }), 'active, maintenance', false],
  ['a node out of sync', one({}, { metadataSynced: false }), 'active, out of sync', true],
  ['a node last seen 75 s ago', one({ lastSeen: moment - 75_000 }), 'active', true],
  ['a node not seen for longer', one(lost), 'active, lost', null],
  ['a node with a slow heartbeat', one({ ...lost, heartbeatSeconds: 60 }), 'active', true],
  ['a node with a quick heartbeat', one({ lastSeen: moment - 26_000, heartbeatSeconds: 10 }), 'active, lost', null],
  ['a lost node in maintenance', one({ ...lost, state: 'maintenance' }), 'active, lost', null],
]

suite('the state of a node', () => {
  for (const [what, line, state, ready] of states) {
    test(`${what}: ${state}, ready ${ready ?? 'unknown'}`, () =>
      assert.deepEqual([line.state, line.ready], [state, ready]))
  }

  test('is standby for one that is not registered as a secondary', () => {
    const standby = memberOf('worker-1-b', 2, { inRecovery: true, nodeId: null, lagBytes: 1024 ** 2 })
    const line = lineOf('worker-1-b', [...members, standby])
    assert.deepEqual([line.role, line.state, line.group], ['worker (standby)', 'standby', 2])
  })

  test('never calls the coordinator out of sync: it is the source', () => {
    const nodes = [rowOf(0, 'coordinator', { metadataSynced: false })]
    assert.equal(lineOf('coordinator', members, nodes).state, 'active')
  })

  test('of a node without a sidecar is shown too, with nothing made up', () => {
    const { nodes } = joinStatus([], [rowOf(4, 'stranger', { active: false, role: 'secondary' })], moment)
    assert.deepEqual(nodes, [
      {
        node: '-',
        role: 'worker (secondary)',
        group: 4,
        address: 'stranger:5432',
        state: 'disabled, no sidecar',
        ready: null,
        reason: '',
        lagBytes: null,
        sidecarVersion: null,
        lastSeen: null,
        lastSeenAge: '-',
        pooler: null,
      },
    ])
  })
})

suite('the list of nodes', () => {
  test('is ordered by group, then name, those without a group last', () => {
    const list = [
      memberOf('a-new-one', 1, { groupId: null, host: 'nowhere' }),
      memberOf('b', 3, { host: 'worker-2', port: 6000 }),
      ...members.toReversed(),
      memberOf('worker-1-b', 2, { inRecovery: true, groupId: 2 }),
    ]
    assert.deepEqual(
      joinStatus(list, rows, moment).nodes.map(({ node }) => node),
      ['coordinator', 'worker-1', 'worker-1-b', 'b', 'worker-2', 'a-new-one'],
    )
  })

  test('has every member once and every row of the coordinator once', () => {
    const host = fc.constantFrom('a', 'b', 'c')
    const some = fc.uniqueArray(
      host.map((name) => memberOf(name, 1)),
      { selector: ({ name }) => name },
    )
    const nodes = fc.uniqueArray(
      host.map((name) => rowOf(1, name)),
      { selector: (row) => row.host },
    )
    fc.assert(
      fc.property(some, nodes, (known, registered) => {
        const shown = joinStatus(known, registered, moment).nodes.map(({ address }) => address)
        const expected = new Set([...known, ...registered].map((each) => `${each.host}:${each.port}`))
        assert.deepEqual(shown.toSorted(), [...expected].toSorted())
      }),
    )
  })

  test('is read from ledger and coordinator', async () => {
    const sql = scriptedSql({ when: /citus_sidecar\.members/, rows: members }, { when: /pg_dist_node/, rows })
    assert.deepEqual(await readClusterStatus(sql, moment), joinStatus(members, rows, moment))
  })
})

test('the table has aligned columns and the reasons below', () => {
  const list = [
    memberOf('coordinator', 0),
    memberOf('worker-1', 2, { state: 'unready', ready: false, reason: 'postgres: PostgreSQL does not answer' }),
    memberOf('worker-1-b', 2, { inRecovery: true, lagBytes: 1.5 * 1024 ** 2 }),
    memberOf('worker-2', 3, { lastSeen: moment - 600_000, reason: 'long ago' }),
  ]
  assert.equal(
    clusterTable(joinStatus(list, rows, moment)),
    [
      'NODE         ROLE              GROUP  ADDRESS           STATE         READY  LAG     SIDECAR  LAST SEEN',
      'coordinator  coordinator       0      coordinator:5432  active        yes    -       0.1.0    1 s ago',
      'worker-1     worker            2      worker-1:5432     active        no     -       0.1.0    1 s ago',
      'worker-1-b   worker (standby)  2      worker-1-b:5432   standby       yes    1.5 MB  0.1.0    1 s ago',
      'worker-2     worker            3      worker-2:5432     active, lost  ?      -       0.1.0    10 min ago',
      'worker-1 is not ready: postgres: PostgreSQL does not answer',
      '',
    ].join('\n'),
  )
})

test('the table of nobody is its header', () => {
  assert.match(clusterTable({ now: moment, nodes: [] }), /^NODE +ROLE .*LAST SEEN\n$/)
})
