// citus-sidecar remove, not carried out: what --plan says and what it refuses, and that nothing is touched by either.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { RemovalPlan } from '../../agent/removal/plan.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, quick } from '../support/joining.ts'
import { makeReference, removeFrom, touched } from '../support/removals.ts'

suite('citus-sidecar remove', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 3, env: quick })
    for (const node of cluster.nodes) await joined(node)
    await makeReference(cluster)
  })
  after(async () => await cluster.down())

  test('--plan says what would be done, from another pod, and touches nothing', async () => {
    const before = await touched(cluster)
    const { code, stdout, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-3', '--plan')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^worker-3: node \d+ of group 4 at localhost:\d+$/m)
    for (const step of ['shards-off', 'settle', 'remove']) assert.match(stdout, new RegExp(`^  ${step} `, 'm'))
    const json = await removeFrom(cluster.node('worker-1'), 'worker-3', '--plan', '--json')
    const plan = JSON.parse(json.stdout) as RemovalPlan
    assert.deepEqual([plan.member, plan.alive, plan.shards, plan.refusals], ['worker-3', true, 0, []])
    assert.deepEqual(await touched(cluster), before)
  })

  const refused: readonly (readonly [from: string, args: readonly string[], says: RegExp])[] = [
    [
      'worker-1',
      ['worker-9'],
      /^refused: unknown-node: there is no node "worker-9"; there are coordinator, worker-1, worker-2, worker-3;/,
    ],
    ['worker-1', ['coordinator'], /^refused: coordinator: /],
    ['coordinator', [], /^refused: coordinator: /],
    [
      'worker-3',
      ['worker-2'],
      /^refused: leaves-gap: worker-2 is not the last of its StatefulSet: there is worker-3; .*--allow-gap/,
    ],
    ['worker-1', [], /^refused: leaves-gap: worker-1 is not the last of its StatefulSet: there is worker-2, worker-3;/],
  ]
  for (const [from, args, says] of refused)
    test(`"remove ${args.join(' ')}" in ${from} is refused, and nothing is touched`, async () => {
      const before = await touched(cluster)
      const { code, stdout, stderr } = await removeFrom(cluster.node(from), ...args)
      assert.deepEqual([code, stdout], [3, ''])
      assert.match(stderr, says)
      assert.deepEqual(await touched(cluster), before)
    })

  test('says what it refuses as JSON where that is asked for', async () => {
    const { code, stdout, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-9', '--json')
    assert.deepEqual([code, stderr], [3, ''])
    const { refusals } = JSON.parse(stdout) as Pick<RemovalPlan, 'refusals'>
    assert.deepEqual(
      refusals.map((one) => [one.code, Object.keys(one)]),
      [['unknown-node', ['code', 'reason', 'action']]],
    )
  })

  test('needs a ledger of its version', async () => {
    await cluster.coordinator.postgres.query('alter table citus_sidecar.removals rename to later')
    try {
      const { code, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-3')
      assert.equal(code, 1)
      assert.match(
        stderr,
        /^citus-sidecar: the ledger knows no removals \(.*\); run `citus-sidecar bootstrap` of this version on the coordinator$/m,
      )
    } finally {
      await cluster.coordinator.postgres.query('alter table citus_sidecar.later rename to removals')
    }
  })
})
