// A worker with shards is removed under load: they are moved by Citus in the background, whoever is killed meanwhile, and not one row is lost.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { lastRemoval } from '../../agent/removal/removal-ledger.ts'
import type { Removal } from '../../agent/removal/removal-ledger.ts'
import { findBinaries } from '../../deploy/local/binaries.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { finds, joined, looksAgain, quick, registered } from '../support/joining.ts'
import { ledgerOf } from '../support/pool-holds.ts'
import { askRemoval, removalIs, removeFrom } from '../support/removals.ts'
import { Writers } from '../support/writers.ts'

const rows = 100_000
/** Longer than it takes on a busy machine, milliseconds. */
const long = 200_000

suite('the removal of a worker with shards', () => {
  let cluster: LocalCluster
  let last: LocalNode
  let real: boolean
  before(async () => {
    real = (await findBinaries()).citus === 'citus'
    if (!real) return
    cluster = await startCluster({ workers: 3, env: quick })
    last = cluster.node('worker-3')
    for (const node of cluster.nodes) await joined(node)
    const { postgres } = cluster.coordinator
    // Moved one by one, and each long enough to be met in between.
    await postgres.query(
      'create table written (key int, id uuid default gen_random_uuid(), filler text, primary key (key, id))',
    )
    await postgres.query(`select create_distributed_table('written', 'key', shard_count => 6)`)
    await postgres.query('create table everywhere (id int primary key)')
    await postgres.query(`select create_reference_table('everywhere')`)
    await postgres.query(
      `insert into written select n, gen_random_uuid(), repeat('x', 200) from generate_series(1, ${rows}) n`,
    )
  })
  after(async () => {
    if (real) await cluster.down()
  })

  /** The node is back, with its share of the shards. */
  afterEach(async () => {
    if (!real || (await registered(cluster)).length === 4) return
    await last.command(['accept', '--yes'])
    await joined(last)
    await cluster.coordinator.postgres.query(`select rebalance_table_shards(shard_transfer_mode => 'block_writes')`)
  })

  const one = async <T>(sql: string): Promise<T> => {
    const [row] = await cluster.coordinator.postgres.query<{ value: T }>(sql)
    assert.ok(row !== undefined)
    return row.value
  }
  const count = async (): Promise<number> => await one('select count(*)::int as value from written')
  const shardsOfLast = async (): Promise<number> =>
    await one(
      `select count(*)::int as value from citus_shards where nodeport = ${last.pgPort} and citus_table_type = 'distributed'`,
    )
  const ended = async (): Promise<Removal> =>
    await eventually(
      'the removal has ended',
      async () => {
        const removal = await lastRemoval(ledgerOf(cluster), 'worker-3')
        return removal !== undefined && removal.outcome !== null ? removal : undefined
      },
      { deadline: long, context: () => logTail(cluster.coordinator.sidecar.logFile) },
    )
  const gone = async (): Promise<void> => {
    assert.equal((await registered(cluster)).length, 3)
    assert.equal(await one('select count(*)::int as value from pg_dist_placement where groupid = 4'), 0)
    await finds(last, 'removed', /was registered, and the coordinator no longer has it/)
    await looksAgain(last)
    assert.equal((await registered(cluster)).length, 3)
  }

  test('is refused for every table that cannot be moved, all at once', async (t) => {
    if (!real) return t.skip('real Citus only: distributed tables')
    const { postgres } = cluster.coordinator
    await postgres.query(
      `create table no_key (key int); create unlogged table unlogged (key int primary key); create table twice (key int primary key)`,
    )
    await postgres.query(`select create_distributed_table('no_key', 'key', shard_count => 6, colocate_with => 'none')`)
    await postgres.query(
      `select create_distributed_table('unlogged', 'key', shard_count => 6, colocate_with => 'none')`,
    )
    const session = await postgres.connect()
    await session.query('set citus.shard_replication_factor = 2')
    await session.query(`select create_distributed_table('twice', 'key', shard_count => 6, colocate_with => 'none')`)
    await session.end()
    const { code, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-3')
    assert.equal(code, 3)
    assert.match(stderr, /^refused: no-replica-identity: tables without replica identity \(1\): public\.no_key; /m)
    assert.match(stderr, /^refused: unlogged-tables: unlogged tables \(1\): public\.unlogged; /m)
    assert.match(stderr, /^refused: replicated-shards: tables whose shards have several copies \(1\): public\.twice; /m)
    assert.equal(stderr.trimEnd().split('\n').length, 3, stderr)
    await postgres.query('drop table twice')
    const blocking = await removeFrom(cluster.node('worker-1'), 'worker-3', '--plan', '--transfer-mode', 'block_writes')
    assert.equal(blocking.code, 0, blocking.stdout)
    assert.match(
      blocking.stdout,
      /^ {2}move {8}\d+ shards of 3 tables, \d+\.\d MB, to 2 nodes, in the background \(block_writes\)$/m,
    )
    await postgres.query('drop table no_key, unlogged')
  })

  test('fails no write under load and loses no row, its sidecar and that of the coordinator killed twice', async (t) => {
    if (!real) return t.skip('real Citus only: shards that move')
    const before = await count()
    const moved = await shardsOfLast()
    assert.ok(moved > 1)
    await using writers = await Writers.start(
      [cluster.coordinator],
      'written',
      Array.from({ length: 500 }, (_, key) => key),
    )
    await askRemoval(cluster, last)
    for (const description of ['starts its move', 'has moved a shard']) {
      const still = description === 'starts its move' ? moved : moved - 1
      await removalIs(
        cluster,
        description,
        (removal) => removal === undefined || (removal.starts > 0 && removal.shards <= still),
      )
      for (const { sidecar } of [last, cluster.coordinator]) {
        await sidecar.kill()
        sidecar.start()
      }
    }
    const removal = await ended()
    assert.deepEqual([removal.outcome, removal.reason], ['succeeded', ''])
    const done = writers.done
    await eventually('writers go on', () => writers.done > done + 50 || writers.failures.length > 0, { deadline: long })
    await writers.stop()
    assert.deepEqual(writers.failures, [])
    assert.equal(await count(), before + writers.done)
    assert.ok(removal.progress !== null && (removal.progress.totalBytes ?? 0) > 1_000_000)
    await gone()
    // Background tasks run as the owner of the function that began them, whoever called it.
    const tasks = await cluster.coordinator.postgres.query<{ text: string }>(
      `select distinct owner || ' ' || status as text from pg_dist_background_task where job_id = (select max(job_id) from citus_sidecar.removals)`,
    )
    assert.deepEqual(tasks, [{ text: 'postgres done' }])
    assert.deepEqual(
      await cluster.coordinator.postgres.query('select from pg_dist_cleanup where node_group_id = 4'),
      [],
    )
  })

  test('goes on after the coordinator has crashed in the middle of a move', async (t) => {
    if (!real) return t.skip('real Citus only: shards that move')
    const before = await count()
    const moved = await shardsOfLast()
    await askRemoval(cluster, last)
    await removalIs(cluster, 'has moved a shard', (removal) => removal === undefined || removal.shards < moved)
    await cluster.coordinator.postgres.kill()
    await cluster.coordinator.postgres.start()
    assert.equal((await ended()).outcome, 'succeeded')
    assert.equal(await count(), before)
    await gone()
  })

  test('is taken back in the middle of a move: the node keeps what it has and gets shards again', async (t) => {
    if (!real) return t.skip('real Citus only: shards that move')
    const before = await count()
    await askRemoval(cluster, last)
    await removalIs(cluster, 'starts its move', (removal) => (removal?.starts ?? 0) > 0)
    const { code, stdout, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-3', '--cancel')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^cancelled: shards that were moved stay where they are$/m)
    assert.equal(await one(`select shouldhaveshards as value from pg_dist_node where nodeport = ${last.pgPort}`), true)
    assert.equal(
      await one(`select state::text as value from pg_dist_background_job order by job_id desc limit 1`),
      'cancelled',
    )
    assert.equal((await registered(cluster)).length, 4)
    assert.equal(await count(), before)
  })

  test('fails where somebody stops the move, says so, and can then be taken back or gone on with', async (t) => {
    if (!real) return t.skip('real Citus only: shards that move')
    await askRemoval(cluster, last)
    await removalIs(cluster, 'starts its move', (removal) => (removal?.starts ?? 0) > 0)
    await cluster.coordinator.postgres.query('select citus_rebalance_stop()')
    const removal = await ended()
    assert.deepEqual([removal.outcome, removal.reason], ['failed', 'somebody stopped the move'])
    assert.equal(await one(`select shouldhaveshards as value from pg_dist_node where nodeport = ${last.pgPort}`), false)
    const cancel = await removeFrom(cluster.node('worker-1'), 'worker-3', '--cancel')
    assert.equal(cancel.code, 0, cancel.stderr)
    assert.equal(await one(`select shouldhaveshards as value from pg_dist_node where nodeport = ${last.pgPort}`), true)
    await askRemoval(cluster, last)
    assert.equal((await ended()).outcome, 'succeeded')
    await gone()
  })
})
