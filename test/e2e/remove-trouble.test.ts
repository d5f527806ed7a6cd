// Moves that do not go as they should: a server whose settings do not fit, a receiver that is away in the middle of it.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { lastRemoval } from '../../agent/removal/removal-ledger.ts'
import { findBinaries } from '../../deploy/local/binaries.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, quick, registered } from '../support/joining.ts'
import { ledgerOf } from '../support/pool-holds.ts'
import { askRemoval, removalIs, removeFrom } from '../support/removals.ts'

const rows = 20_000
/** Citus tries a failed move again after 5 s, then after 20 s, then every minute. */
const long = 180_000

suite('a move of shards', () => {
  let cluster: LocalCluster
  let real: boolean
  before(async () => {
    real = (await findBinaries()).citus === 'citus'
    if (!real) return
    cluster = await startCluster({
      workers: 2,
      env: quick,
      nodeSettings: { 'worker-2': { wal_level: 'replica', max_wal_senders: '0', max_replication_slots: '0' } },
    })
    for (const node of cluster.nodes) await joined(node)
    const { postgres } = cluster.coordinator
    await postgres.query('create table kept (key int primary key, filler text)')
    await postgres.query(`select create_distributed_table('kept', 'key', shard_count => 4)`)
    await postgres.query(`insert into kept select n, repeat('x', 200) from generate_series(1, ${rows}) n`)
  })
  after(async () => {
    if (real) await cluster.down()
  })

  test('is not begun where settings do not fit: each of them is named, with its server', async (t) => {
    if (!real) return t.skip('real Citus only: shards that move')
    const { code, stderr } = await removeFrom(cluster.coordinator, 'worker-2')
    assert.equal(code, 3)
    const where = `refused: replication-settings: on localhost:${cluster.node('worker-2').pgPort}`
    for (const what of [
      'wal_level is replica, and logical is needed',
      'max_replication_slots is 0 with 0 in use, and 1 more are needed',
      'max_wal_senders is 0 with 0 in use, and 1 more are needed',
    ])
      assert.ok(stderr.includes(`${where} ${what}; `), stderr)
    assert.deepEqual(
      await cluster.coordinator.postgres.query('select from pg_dist_node where groupid <> 0 and not shouldhaveshards'),
      [],
    )
  })

  test('goes on once a receiver that was away is back, and says meanwhile what is wrong', async (t) => {
    if (!real) return t.skip('real Citus only: shards that move')
    const receiver = cluster.node('worker-1')
    await askRemoval(cluster, cluster.node('worker-2'), 'block_writes')
    await removalIs(cluster, 'starts its move', (removal) => (removal?.starts ?? 0) > 0)
    await receiver.postgres.kill()
    await removalIs(cluster, 'says what is wrong', (removal) => removal !== undefined && removal.reason !== '')
    assert.ok(cluster.coordinator.sidecar.log().some(({ event }) => event === 'removal.trouble'))
    await receiver.postgres.start()
    await eventually(
      'the removal succeeds',
      async () => (await lastRemoval(ledgerOf(cluster), 'worker-2'))?.outcome === 'succeeded',
      { deadline: long, context: () => logTail(cluster.coordinator.sidecar.logFile) },
    )
    assert.deepEqual(await cluster.coordinator.postgres.query('select count(*)::int from kept'), [{ count: rows }])
    assert.equal((await registered(cluster)).length, 2)
  })
})
