// The removal of a node that is dead: done where it had copies alone, refused where something of it is nowhere else, and said when it is gone.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { finds, joined, looksAgain, patience, quick, registered } from '../support/joining.ts'
import { makeWritten } from '../support/node-holds.ts'
import { groupOf, makeReference, prepareFor, removeFrom, touched } from '../support/removals.ts'

suite('a dead node', () => {
  let cluster: LocalCluster
  let last: LocalNode
  let other: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 3,
      env: { ...quick, CITUS_SIDECAR_PEER_INTERVAL: '1s' },
      // Citus would end the prepared transaction by itself within a minute, on a busy machine before the removal is asked for.
      postgresSettings: { 'citus.recover_2pc_interval': '-1' },
    })
    last = cluster.node('worker-3')
    other = cluster.node('worker-2')
    for (const node of cluster.nodes) await joined(node)
    await makeReference(cluster)
  })
  after(async () => await cluster.down())

  test('whose prepared transactions wait for it elsewhere is not removed: it alone knows how they end', async () => {
    const gid = await prepareFor(other, await groupOf(cluster, last), 1)
    await last.postgres.kill()
    const { code, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-3')
    assert.equal(code, 3)
    assert.match(
      stderr,
      new RegExp(`^refused: dead-unsettled: .*${gid} on localhost:${other.pgPort}; .*rollback prepared`, 'm'),
    )
    assert.equal((await registered(cluster)).length, 4)
    await other.postgres.query(`rollback prepared '${gid}'`)
  })

  test('that had copies of reference tables alone is removed, and stays so when it is back', async () => {
    const plan = await removeFrom(cluster.node('worker-1'), 'worker-3', '--plan')
    assert.equal(plan.code, 0, plan.stderr)
    assert.match(plan.stdout, /^worker-3: .*, does not answer$/m)
    assert.match(plan.stdout, /^ {2}remove {6}citus_disable_node, then citus_remove_node$/m)
    const { code, stdout, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-3')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^worker-3 is removed; replicas may be lowered$/m)
    assert.equal((await registered(cluster)).length, 3)
    assert.deepEqual(await cluster.coordinator.postgres.query('select from pg_dist_placement where groupid = 4'), [])
    await last.postgres.start()
    await finds(last, 'removed', /was registered, and the coordinator no longer has it/)
    await looksAgain(last)
    assert.equal((await registered(cluster)).length, 3)
  })

  test('with shards is not removed, and what would be lost is listed', async () => {
    await makeWritten(cluster)
    await other.postgres.kill()
    const before = await touched(cluster).catch(() => undefined)
    const { code, stderr } = await removeFrom(cluster.coordinator, 'worker-2')
    assert.equal(code, 3)
    const size = cluster.kind === 'citus' ? 'about .* and \\d+ rows?' : 'of unknown size'
    assert.match(
      stderr,
      new RegExp(
        `^refused: dead-with-shards: worker-2 does not answer, and what it has is nowhere else, \\d shards?: public\\.written \\(\\d shards?, ${size}\\); bring the node`,
        'm',
      ),
    )
    assert.deepEqual(await touched(cluster).catch(() => undefined), before)
    assert.equal((await registered(cluster)).length, 3)
  })

  test('with shards is an event and a metric once nobody hears of it, and its metadata is left alone', async () => {
    const { postgres, sidecar } = cluster.coordinator
    const lost = async (): Promise<number> => {
      const { body } = await sidecar.get('/metrics')
      return Number(/^citus_sidecar_member_lost_with_shards\{member="worker-2"\} (\d+)$/m.exec(body)?.[1])
    }
    assert.equal(await lost(), 0)
    await other.sidecar.kill()
    // So long that nobody waits for it in a test.
    await postgres.query(
      `update citus_sidecar.members set last_seen = last_seen - interval '10 minutes' where name = 'worker-2'`,
    )
    await eventually('it counts as lost', async () => (await lost()) > 0, { deadline: patience })
    const [said] = sidecar.log().filter(({ event }) => event === 'member.lost')
    assert.deepEqual([said?.['level'], said?.['member'], said?.['shards']], ['error', 'worker-2', await lost()])
    assert.equal((await registered(cluster)).length, 3)
    await other.postgres.start()
    other.sidecar.start()
    await eventually('it is back', async () => (await lost()) === 0, { deadline: patience })
    assert.equal(sidecar.log().filter(({ event }) => event === 'member.back').length, 1)
  })
})
