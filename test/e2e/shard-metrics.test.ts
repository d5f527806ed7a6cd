// What lies in shards, told by table on the node where it lies: equal to what adding it up by hand gives, before and after a move.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { eventuallyEqual, joined, patience, quick } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

const columns = [
  'n_tup_ins',
  'n_live_tup',
  'n_dead_tup',
  'seq_scan',
  'idx_scan',
  'vacuum_count',
  'analyze_count',
] as const

suite('metrics of shards', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick })
    for (const node of cluster.nodes) await joined(node)
    const { postgres } = cluster.coordinator
    await postgres.query('create table events (id bigint primary key, note text)')
    await postgres.query('create table "odd ""name""" (id bigint primary key)')
    if (cluster.kind === 'citus') {
      await postgres.query(`select create_distributed_table('events', 'id', shard_count => 8)`)
      await postgres.query(`select create_reference_table('"odd ""name"""')`)
    }
    await postgres.query(`insert into events select i, 'x' from generate_series(1, 5000) i`)
    await postgres.query('delete from events where id % 10 = 0')
    await postgres.query('insert into "odd ""name""" select generate_series(1, 7)')
    await postgres.query('analyze events')
  })
  after(async () => await cluster.down())

  /** Samples of a family of this node for one table, read after now. */
  async function told(node: LocalNode, name: string, table: string): Promise<number | undefined> {
    const family = (await metricsOf(node.sidecar)).get(name)
    const found = [...(family?.samples ?? [])].filter(
      ([series]) => /(?:relname|table)="((?:[^"\\]|\\.)*)"/.exec(series)?.[1] === table,
    )
    assert.ok(found.length <= 1, `${name} has ${found.length} samples of ${table}`)
    return found[0]?.[1]
  }
  /** The sidecar looks anew at tables when it starts. */
  async function lookAgain(node: LocalNode): Promise<void> {
    await node.sidecar.restart()
    await joined(node)
    await eventually(
      'tables are told of',
      async () => (await metricsOf(node.sidecar)).has('pg_stat_user_tables_n_live_tup'),
      { deadline: patience },
    )
  }
  /** What the shards of a table add up to on this node; one that was moved away and waits to be dropped is none. */
  async function truth(node: LocalNode, column: string): Promise<number> {
    const session = await node.postgres.connect()
    try {
      await session.query('set citus.override_table_visibility = off')
      const found = await session.query<{ sum: number }>(
        `select coalesce(sum(${column}), 0)::float8 as sum from pg_stat_user_tables
          where relname in (select 'events_' || p.shardid from pg_dist_placement p join pg_dist_local_group g using (groupid))`,
      )
      return found.rows[0]?.sum ?? 0
    } finally {
      await session.end()
    }
  }

  const compare = async (node: LocalNode): Promise<void> => {
    // What sessions have counted reaches everybody within a second of their end.
    await eventually('counted', async () => (await truth(node, 'n_tup_ins')) > 0, { deadline: patience })
    await lookAgain(node)
    for (const column of columns)
      await eventuallyEqual(
        `${node.name} ${column}`,
        async () => await told(node, `pg_stat_user_tables_${column}`, 'events'),
        await truth(node, column),
      )
  }

  test('are what the shards add up to, on every worker', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in moves no data')
    for (const worker of cluster.workers) await compare(worker)
    const rows = await Promise.all(
      cluster.workers.map(async (worker) => (await told(worker, 'pg_stat_user_tables_n_live_tup', 'events')) ?? 0),
    )
    assert.equal(
      rows.reduce((sum, one) => sum + one, 0),
      4500,
    )
    const shards = await Promise.all(
      cluster.workers.map(async (worker) => (await told(worker, 'citus_local_shards', 'events')) ?? 0),
    )
    assert.deepEqual(shards, [4, 4])
  })

  test('follow a shard that is moved', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in moves no data')
    const { coordinator } = cluster
    const [from, to] = cluster.workers
    assert.ok(from && to)
    await coordinator.postgres.query(
      `select citus_move_shard_placement((select min(shardid) from pg_dist_placement p join pg_dist_node n using (groupid)
                                            where n.nodeport = ${from.pgPort} and shardid in (select shardid from pg_dist_shard where logicalrelid = 'events'::regclass)),
                                         '${from.host}', ${from.pgPort}, '${to.host}', ${to.pgPort}, 'block_writes')`,
    )
    for (const worker of [from, to]) await compare(worker)
    assert.equal(await told(from, 'citus_local_shards', 'events'), 3)
    assert.equal(await told(to, 'citus_local_shards', 'events'), 5)
  })

  test('follow a shard that is split', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in moves no data')
    const { coordinator, workers } = cluster
    const [first, second] = workers
    assert.ok(first && second)
    const [shard] = await coordinator.postgres.query<{ id: string; middle: string; node: number }>(
      `select s.shardid::text as id, ((s.shardminvalue::bigint + s.shardmaxvalue::bigint) / 2)::text as middle, n.nodeid as node
         from pg_dist_shard s join pg_dist_placement using (shardid) join pg_dist_node n using (groupid)
        where s.logicalrelid = 'events'::regclass and n.nodeport = ${first.pgPort} order by 1 limit 1`,
    )
    const before = (await told(first, 'citus_local_shards', 'events')) ?? 0
    await coordinator.postgres.query(
      `select citus_split_shard_by_split_points(${shard?.id}, array['${shard?.middle}'], array[${shard?.node}, ${shard?.node}], 'block_writes')`,
    )
    for (const worker of [first, second]) await compare(worker)
    assert.equal(await told(first, 'citus_local_shards', 'events'), before + 1)
    for (const name of ['citus_local_shards_oldest_xid_age', 'citus_local_shards_oldest_multixact_age'])
      assert.ok(((await told(first, name, 'events')) ?? -1) >= 0, name)
  })

  test('do not tell of the empty shell that a distributed table is on the coordinator', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in moves no data')
    await lookAgain(cluster.coordinator)
    assert.equal(await told(cluster.coordinator, 'pg_stat_user_tables_n_live_tup', 'events'), undefined)
    assert.equal(await told(cluster.coordinator, 'citus_local_shards', 'events'), undefined)
  })

  test('have names of tables as they are', async () => {
    await lookAgain(cluster.coordinator)
    assert.notEqual(await told(cluster.coordinator, 'pg_stat_user_tables_n_live_tup', 'odd \\"name\\"'), undefined)
  })

  test('are no reason to open a table: one that is locked is told of all the same', async () => {
    const { coordinator } = cluster
    const lock = await coordinator.postgres.connect()
    try {
      await lock.query('begin; lock table "odd ""name""" in access exclusive mode')
      await lookAgain(coordinator)
      assert.notEqual(await told(coordinator, 'pg_stat_user_tables_n_live_tup', 'odd \\"name\\"'), undefined)
    } finally {
      await lock.end()
    }
  })

  test('come of probes that have all the rights they need, on every node', async () => {
    for (const node of cluster.nodes) {
      await node.sidecar.restart()
      await joined(node)
      const wanted = node === cluster.coordinator ? 17 : 16
      await eventually(
        `every probe of ${node.name} succeeds`,
        async () => {
          const { samples } = (await metricsOf(node.sidecar)).get('citus_sidecar_probe_success') ?? {
            samples: new Map<string, number>(),
          }
          const failed = [...samples].filter(([, value]) => value !== 1).map(([series]) => series)
          assert.deepEqual(failed, [])
          assert.ok(samples.size >= wanted, [...samples.keys()].join())
          return true
        },
        { deadline: patience },
      )
    }
  })

  test('of checkpoints have their names of before and of since PostgreSQL 17', async () => {
    const { postgres, sidecar } = cluster.coordinator
    await postgres.query('checkpoint')
    await lookAgain(cluster.coordinator)
    await eventually('checkpoints are told of', async () => {
      const families = await metricsOf(sidecar)
      const [old, since] = ['pg_stat_bgwriter_checkpoints_req_total', 'pg_stat_checkpointer_num_requested_total'].map(
        (name) => families.get(name)?.samples.values().next().value,
      )
      assert.ok((old ?? 0) > 0)
      assert.equal(since, old)
      return true
    })
  })

  test('of locks and WAL are there, and tell of a lock', async () => {
    const { postgres, sidecar } = cluster.coordinator
    const lock = await postgres.connect()
    try {
      await lock.query(`begin; lock table "odd ""name""" in share row exclusive mode`)
      await sidecar.restart()
      await eventually(
        'they are told of',
        async () => {
          const families = await metricsOf(sidecar)
          assert.ok((families.get('pg_wal_segments')?.samples.get('pg_wal_segments') ?? 0) > 0)
          const locks = families.get('pg_locks_count')?.samples
          assert.equal(locks?.get('pg_locks_count{datname="app",mode="sharerowexclusivelock"}'), 1)
          return true
        },
        { deadline: patience },
      )
    } finally {
      await lock.end()
    }
  })

  test('of two-phase commits name who began them', async () => {
    const [worker] = cluster.workers
    assert.ok(worker)
    await worker.postgres.query(`begin; select txid_current(); prepare transaction 'citus_99_1_2_3'`)
    try {
      await worker.sidecar.restart()
      await eventually(
        'it is told',
        async () =>
          /^citus_prepared_transactions\{initiator_group="99"\} 1$/m.test((await worker.sidecar.get('/metrics')).body),
        { deadline: patience },
      )
    } finally {
      await worker.postgres.query(`rollback prepared 'citus_99_1_2_3'`)
    }
  })
})
