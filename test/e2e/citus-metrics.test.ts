// What Citus knows, as metrics of a real cluster: each against what the server says when it is asked by hand.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { findBinaries } from '../../deploy/local/binaries.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

const { citus } = await findBinaries()
const skip = citus === 'citus' ? false : 'needs real Citus: the stand-in has no data plane'

suite('metrics of a real Citus', { skip }, () => {
  let cluster: LocalCluster
  let coordinator: LocalNode
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 2,
      env: { ...quick, CITUS_SIDECAR_TENANTS: 'true', CITUS_SIDECAR_STATEMENT_TEXT: 'true' },
      postgresSettings: {
        shared_preload_libraries: 'citus,pg_stat_statements',
        'citus.stat_tenants_track': 'all',
        // A tenant's queries are still of this window when they are read, however slow the machine is.
        'citus.stat_tenants_period': '86400',
        'citus.enable_stat_counters': 'on',
      },
    })
    for (const node of cluster.nodes) await joined(node)
    coordinator = cluster.coordinator
    worker = cluster.node('worker-1')
    const { postgres } = coordinator
    await postgres.query('create extension pg_stat_statements')
    await postgres.query('create extension citus_columnar')
    await postgres.query('create table orders (tenant integer, id bigserial, note text, primary key (tenant, id))')
    await postgres.query('create index orders_note on orders (note)')
    await postgres.query(`select create_distributed_table('orders', 'tenant', shard_count => 8)`)
    await postgres.query('create table events (tenant integer, note text) using columnar')
    await postgres.query(`select create_distributed_table('events', 'tenant', shard_count => 4)`)
    await postgres.query(`insert into events select i, repeat('x', 200) from generate_series(1, 20000) i`)
    await postgres.query(`insert into orders select i % 50, i, 'n' || i from generate_series(1, 5000) i`)
    await postgres.query('vacuum analyze orders')
    for (let tenant = 0; tenant < 20; tenant += 1)
      await postgres.query(`select count(*) from orders where tenant = ${tenant % 5}`)
  })
  after(async () => await cluster.down())

  /** Series of a family by their labels, read after the sidecar has started anew and asked for everything. */
  const families = new Map<LocalNode, Awaited<ReturnType<typeof metricsOf>>>()
  const page = async (node: LocalNode): ReturnType<typeof metricsOf> => await metricsOf(node.sidecar)
  async function lookAgain(node: LocalNode): Promise<void> {
    await node.sidecar.restart()
    await joined(node)
    // What is asked last is there last.
    await eventually(
      'everything was asked',
      async () => {
        const known = (await page(node)).get('citus_sidecar_probe_last_success_timestamp_seconds')?.samples
        return [
          'postgres.statements',
          'citus.columnar',
          'citus.remote-pool',
          'citus.tenants',
          'postgres.indexes',
        ].every((probe) => known?.has(`citus_sidecar_probe_last_success_timestamp_seconds{probe="${probe}"}`))
      },
      { deadline: patience },
    )
    families.set(node, await page(node))
  }
  function series(node: LocalNode, name: string): ReadonlyMap<string, number> {
    const found = families.get(node)?.get(name)?.samples ?? new Map<string, number>()
    return new Map([...found].map(([text, value]) => [text.slice(name.length), value]))
  }
  const ask = async (node: LocalNode, sql: string): Promise<number> => {
    const session = await node.postgres.connect()
    try {
      await session.query('set citus.override_table_visibility = off')
      const { rows } = await session.query<{ value: number | string }>(sql)
      return Number(rows[0]?.value)
    } finally {
      await session.end()
    }
  }

  test('every probe has an answer on every node', async () => {
    for (const node of cluster.nodes) {
      await lookAgain(node)
      const failed = [...series(node, 'citus_sidecar_probe_success')].filter(([, value]) => value === 0)
      assert.deepEqual(failed, [], node.name)
    }
  })

  test('fingerprints are one on all nodes', () => {
    const [first, ...others] = cluster.nodes.map((node) => [...series(node, 'citus_metadata_fingerprint_info').keys()])
    assert.equal(first?.length, 5)
    for (const other of others) assert.deepEqual(other, first)
  })

  test('the coordinator has placements, tables and colocation groups as the metadata do', async () => {
    for (const node of cluster.nodes) {
      const placements = await ask(
        coordinator,
        `select count(*) as value from pg_dist_placement p join pg_dist_node n using (groupid) where n.nodeport = ${node.pgPort}`,
      )
      const found = [...series(coordinator, 'citus_placements')].find(([labels]) => labels.includes(`:${node.pgPort}"`))
      assert.equal(found?.[1], placements)
    }
    assert.equal(series(coordinator, 'citus_tables').get('{kind="distributed"}'), 2)
    assert.deepEqual(
      [...series(coordinator, 'citus_colocation_group_shards').values()].toSorted((a, b) => a - b),
      [4, 8],
    )
    assert.equal(series(worker, 'citus_placements').size, 0)
  })

  test('statements of shards count as one of their table, and show their text', async () => {
    const shown = [...series(worker, 'citus_sidecar_statement_info').keys()]
    assert.ok(
      shown.some((labels) => /query="[^"]*public\.orders\b/.test(labels)),
      shown.join('\n'),
    )
    assert.ok(!shown.some((labels) => /orders_1\d{5}/.test(labels)))
    const entries = await ask(
      worker,
      `select count(*) as value from pg_stat_statements where query ~ 'orders_1[0-9]{5}'`,
    )
    const ids = shown.filter((labels) => /orders/.test(labels)).length
    assert.ok(ids > 0 && ids < entries, `${ids} of ${entries}`)
  })

  test('columnar tables have their rows and their compression', async () => {
    const rows = ['worker-1', 'worker-2'].map(
      (name) => series(cluster.node(name), 'citus_columnar_rows').get('{schema="public",table="events"}') ?? 0,
    )
    assert.equal(
      rows.reduce((sum, one) => sum + one, 0),
      20_000,
    )
    const ratio = series(worker, 'citus_columnar_compression_ratio').get('{schema="public",table="events"}') ?? 0
    assert.ok(ratio > 2, `${ratio}`)
  })

  test('an index that nobody reads is told with the size of all its shards', async () => {
    const size = await ask(
      worker,
      `select sum(relpages * current_setting('block_size')::integer) as value from pg_class where relname ~ '^orders_note_[0-9]+$'`,
    )
    assert.equal(
      series(worker, 'citus_sidecar_unused_index_bytes').get(
        '{schemaname="public",relname="orders",indexrelname="orders_note"}',
      ),
      size,
    )
    assert.ok(size > 0)
  })

  test('blocks of a table are those of its shards', async () => {
    const name = 'pg_statio_user_tables_idx_blocks_hit'
    const truth = await ask(
      worker,
      `select sum(idx_blks_hit) as value from pg_statio_user_tables where relname ~ '^orders_[0-9]+$'`,
    )
    assert.equal(series(worker, name).get('{datname="app",schemaname="public",relname="orders"}'), truth)
  })

  test('counters, tenants and connections are those of Citus', async () => {
    const queries = await ask(
      coordinator,
      'select sum(query_execution_single_shard + query_execution_multi_shard) as value from citus_stat_counters',
    )
    const told = [...series(coordinator, 'citus_queries_total').values()].reduce((sum, one) => sum + one, 0)
    assert.ok(told > 0 && told <= queries, `${told} of ${queries}`)
    const tenants = [...series(worker, 'citus_tenant_queries_total')].filter(([labels]) => /tenant="\d+"/.test(labels))
    assert.ok(tenants.length > 0 && tenants.every(([, value]) => value > 0))
    assert.equal(
      series(coordinator, 'citus_shared_pool_limit').get(''),
      await ask(coordinator, `select current_setting('citus.max_shared_pool_size') as value`),
    )
    assert.ok(series(coordinator, 'citus_remote_connections').size > 0)
  })

  test('a transaction that waits for one of another node is seen on the node that has the lock', async () => {
    const [one, two] = [await coordinator.postgres.connect(), await worker.postgres.connect()]
    try {
      await one.query('begin; update orders set note = note where tenant = 1')
      const waiting = two.query('begin; update orders set note = note where tenant = 1')
      await eventually(
        'it waits',
        async () => {
          const found = await Promise.all(
            cluster.nodes.map(
              async (node) =>
                (await page(node))
                  .get('citus_lock_waiting_transactions_across_nodes')
                  ?.samples.get('citus_lock_waiting_transactions_across_nodes') ?? 0,
            ),
          )
          return found.some((value) => value === 1)
        },
        { deadline: patience },
      )
      await one.query('rollback')
      await waiting
    } finally {
      await one.end()
      await two.end()
    }
  })
})
