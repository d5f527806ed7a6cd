// citus-sidecar remove, carried out: asked for in any pod, resumed wherever its sidecar is killed, taken back; a removed node stays so.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { lastRemoval } from '../../agent/removal/removal-ledger.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { finds, joined, looksAgain, operations, patience, quick, registered } from '../support/joining.ts'
import { ledgerOf } from '../support/pool-holds.ts'
import {
  askRemoval,
  groupOf,
  makeReference,
  prepareFor,
  removalIs,
  removeFrom,
  settledOn,
} from '../support/removals.ts'

suite('citus-sidecar remove', () => {
  let cluster: LocalCluster
  let last: LocalNode
  before(async () => {
    cluster = await startCluster({ workers: 3, env: quick })
    last = cluster.node('worker-3')
    for (const node of cluster.nodes) await joined(node)
    await makeReference(cluster)
  })
  after(async () => await cluster.down())

  /** The node is removed, and its sidecar, which runs on, leaves it so. */
  const staysRemoved = async (): Promise<void> => {
    assert.equal((await registered(cluster)).length, 3)
    await finds(last, 'removed', /was registered, and the coordinator no longer has it/)
    await looksAgain(last)
    assert.equal((await registered(cluster)).length, 3)
  }
  const comesBack = async (): Promise<void> => {
    assert.equal((await last.command(['accept', '--yes'])).code, 0)
    await joined(last)
  }

  test('settles what the node left prepared elsewhere, removes it, and it stays removed', async () => {
    const [elsewhere, group] = [cluster.node('worker-1'), await groupOf(cluster, last)]
    const committed = await prepareFor(elsewhere, group, 1)
    await prepareFor(elsewhere, group, 2)
    const rows = await cluster.coordinator.postgres.query<{ groupid: number }>(
      'select groupid from pg_dist_node where nodeport = $1',
      [elsewhere.pgPort],
    )
    await last.postgres.query('insert into pg_dist_transaction (groupid, gid) values ($1, $2)', [
      rows[0]?.groupid,
      committed,
    ])
    const { code, stdout, stderr } = await removeFrom(cluster.node('worker-2'), 'worker-3')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^settle\n[^]*^worker-3 is removed; replicas may be lowered\n$/m)
    assert.deepEqual(await settledOn(elsewhere), [1])
    assert.deepEqual(await elsewhere.postgres.query('select from pg_prepared_xacts'), [])
    await staysRemoved()
    assert.ok((await operations(cluster)).includes('worker-3 remove succeeded'))
  })

  test('says so where the node is removed already, and names those that are left', async () => {
    const again = await removeFrom(cluster.node('worker-1'), 'worker-3')
    assert.deepEqual([again.code, again.stdout], [0, 'worker-3 is removed already: replicas may be lowered\n'])
    const plan = await removeFrom(cluster.node('worker-1'), 'worker-3', '--plan')
    assert.equal(plan.code, 3)
    assert.match(plan.stderr, /^refused: not-registered: worker-3 is not registered;/)
    // The pod that is removed is no gap.
    assert.equal((await removeFrom(cluster.node('worker-1'), 'worker-2', '--plan')).code, 0)
    await comesBack()
  })

  test("goes on whatever phase the coordinator's sidecar is killed in", async () => {
    const { sidecar } = cluster.coordinator
    await sidecar.kill()
    await askRemoval(cluster, last)
    let seen = 'asked'
    const killed: string[] = []
    for (;;) {
      sidecar.start()
      const next = await removalIs(cluster, `leaves the phase ${seen}`, (removal) => removal?.phase !== seen)
      await sidecar.kill()
      if (next === undefined) break
      seen = next.phase
      killed.push(seen)
    }
    sidecar.start()
    assert.ok(killed.length > 0, 'it was killed in no phase')
    assert.equal((await lastRemoval(ledgerOf(cluster), 'worker-3'))?.outcome, 'succeeded')
    await sidecar.answers('/readyz', patience)
    await staysRemoved()
    await comesBack()
  })

  test('rests while the coordinator is in maintenance, and can be taken back', async () => {
    const { coordinator } = cluster
    await coordinator.command(['maintenance', 'on'])
    const command = removeFrom(cluster.node('worker-1'), 'worker-3')
    await removalIs(cluster, 'rests', (removal) => removal?.reason === 'the coordinator is in maintenance')
    const second = await removeFrom(cluster.node('worker-1'), 'worker-2', '--allow-gap')
    assert.equal(second.code, 3)
    assert.match(second.stderr, /^refused: another-removal: the removal of worker-3 is going on;/)
    const cancel = removeFrom(cluster.node('worker-2'), 'worker-3', '--cancel')
    await removalIs(cluster, 'is taken back', (removal) => removal?.cancelled === true)
    await coordinator.command(['maintenance', 'off'])
    const [first, taken] = await Promise.all([command, cancel])
    assert.deepEqual([first.code, taken.code, taken.stderr], [1, 0, ''])
    assert.match(taken.stdout, /^cancelled: /m)
    assert.equal((await registered(cluster)).length, 4)
    assert.deepEqual(
      await coordinator.postgres.query('select from pg_dist_node where groupid <> 0 and not shouldhaveshards'),
      [],
    )
    const none = await removeFrom(cluster.node('worker-2'), 'worker-3', '--cancel')
    assert.deepEqual([none.code, none.stdout], [0, 'no removal of worker-3 is going on\n'])
    await joined(coordinator)
  })

  test('is refused by the sidecar as well, where what the command saw is no longer so', async () => {
    const { sidecar, postgres } = cluster.coordinator
    await sidecar.stop()
    const command = removeFrom(cluster.node('worker-1'), 'worker-3')
    await removalIs(cluster, 'is asked for', (removal) => removal !== undefined)
    await postgres.query(`insert into pg_dist_background_job (job_type, description) values ('rebalance', 'by hand')`)
    try {
      sidecar.start()
      const { code, stderr } = await command
      assert.equal(code, 3)
      assert.match(stderr, /^refused: rebalance-runs: /)
      assert.equal((await lastRemoval(ledgerOf(cluster), 'worker-3'))?.outcome, 'refused')
    } finally {
      await postgres.query(`delete from pg_dist_background_job where description = 'by hand'`)
    }
    await sidecar.answers('/readyz', patience)
  })

  test('removes a node that somebody disabled before', async () => {
    await cluster.coordinator.postgres.query('select citus_disable_node($1, $2, true)', ['localhost', last.pgPort])
    const { code, stdout, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-3')
    assert.deepEqual([code, stderr], [0, ''], stdout)
    await staysRemoved()
    await comesBack()
  })

  test('removes a node without a sidecar by its address', async () => {
    await last.sidecar.stop()
    const { postgres } = cluster.coordinator
    await postgres.query(`delete from citus_sidecar.members where name = 'worker-3'`)
    const { code, stdout } = await removeFrom(cluster.node('worker-1'), `localhost:${last.pgPort}`)
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`^localhost:${last.pgPort} is removed; replicas may be lowered$`, 'm'))
    assert.equal((await registered(cluster)).length, 3)
    last.sidecar.start()
    await staysRemoved()
  })
})
