// A real Prometheus beside a real cluster: it understands every page and every rule, is silent while all is well, and speaks when something is not.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { complaintsOf, withoutPromtool } from '../support/promtool.ts'
import { PrometheusServer, withoutPrometheus } from '../support/prometheus-server.ts'

/** They tell of the machine on which the test runs. */
const ofThisMachine = /^Citus(?:CpuThrottled|OutOfMemory)$/

/** The probes that alerts on a whole cluster rest on. */
const awaited = ['citus.fingerprints', 'citus.background', 'citus.orphans', 'postgres.settings', 'citus.transactions']

suite('a Prometheus', { skip: withoutPrometheus }, () => {
  const ends = new AsyncDisposableStack()
  let cluster: LocalCluster
  let prometheus: PrometheusServer
  before(async () => {
    const postgresSettings = { 'citus.recover_2pc_interval': '1s', 'citus.metadata_sync_interval': '1h' }
    cluster = ends.use(await startCluster({ workers: 2, env: quick, postgresSettings }))
    for (const node of cluster.nodes) await joined(node)
    if (cluster.kind === 'citus') {
      await cluster.coordinator.postgres.query('create table events (id bigint primary key)')
      await cluster.coordinator.postgres.query(`select create_distributed_table('events', 'id', shard_count => 4)`)
    }
    prometheus = ends.use(await PrometheusServer.start(cluster.nodes))
    // What they saw before the last node had joined may stay for a minute.
    await lookAgain(...cluster.nodes)
  })
  after(async () => await ends.disposeAsync())

  /** A sidecar asks everything when it starts. */
  async function lookAgain(...nodes: readonly LocalNode[]): Promise<void> {
    await Promise.all(nodes.map(async ({ sidecar }) => await sidecar.restart()))
    await Promise.all(nodes.map(async (node) => await joined(node)))
  }

  /** Alerts as `name instance`. */
  async function active(state?: 'firing'): Promise<readonly string[]> {
    return (await prometheus.alerts())
      .filter(({ labels }) => !ofThisMachine.test(labels['alertname'] ?? ''))
      .filter((alert) => state === undefined || alert.state === state)
      .map(({ labels }) => [labels['alertname'], labels['instance'], labels['part']].filter(Boolean).join(' '))
      .toSorted()
  }

  async function until(alerts: readonly string[]): Promise<void> {
    await eventually(
      `alerts are ${alerts.join(', ') || 'none'}`,
      async () => {
        assert.deepEqual(await active('firing'), alerts)
        return true
      },
      { deadline: patience, interval: 100 },
    )
  }

  test('scrapes every sidecar, as OpenMetrics', async () => {
    await eventually('all are up', async () => {
      const targets = await prometheus.targets()
      assert.deepEqual([...targets.values()], ['up', 'up', 'up'])
      return true
    })
    // Counters of postgres_exporter keep their names there, and have no type: in text format they have one.
    const commits = await eventually('commits are told of', async () => {
      const found = await prometheus.query('pg_stat_database_xact_commit{datname="app"}')
      return found.size === cluster.nodes.length ? found : undefined
    })
    for (const value of commits.values()) assert.ok(value > 0)
    assert.deepEqual(await prometheus.types('pg_stat_database_xact_commit'), new Set(['unknown']))
    assert.deepEqual(await prometheus.types('citus_sidecar_cgroup_cpu_seconds'), new Set(['counter']))
  })

  test('evaluates every rule, and has nothing to say of a healthy cluster', async () => {
    for (const probe of awaited)
      await eventually(
        `${probe} was seen wherever it runs`,
        async () => {
          const seen = await prometheus.query(`citus_sidecar_probe_success{probe="${probe}"} == 1`)
          return seen.size >= (probe === 'citus.background' ? 1 : cluster.nodes.length)
        },
        { deadline: patience },
      )
    const since = Date.now()
    await eventually(
      'every rule was evaluated since and no alert is pending',
      async () => {
        const rules = await prometheus.rules()
        assert.ok(rules.length > 75)
        assert.deepEqual(
          rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`),
          [],
        )
        assert.ok(rules.every(({ lastEvaluation }) => Date.parse(lastEvaluation) > since))
        assert.deepEqual(await active(), [])
        return true
      },
      { deadline: patience, interval: 100 },
    )
    assert.equal((await prometheus.query('cluster:citus_sidecar_ready:ratio')).get(''), 1)
  })

  test('and promtool have nothing against the names of a real page', async (t) => {
    if (withoutPromtool !== false) return t.skip(withoutPromtool)
    for (const { sidecar } of cluster.nodes)
      assert.deepEqual(await complaintsOf((await sidecar.get('/metrics')).body), [])
  })

  suite('alerts on', () => {
    const realOnly = 'real Citus only: the stand-in has no shards and no maintenance daemon'

    test('a shard that belongs to no table', async (t) => {
      if (cluster.kind !== 'citus') return t.skip(realOnly)
      const [worker, other] = cluster.workers
      assert.ok(worker && other)
      const [row] = await cluster.coordinator.postgres.query<{ shard: string }>(
        `select min(shardid)::text as shard from pg_dist_placement p join pg_dist_node n using (groupid) where n.nodeport = ${other.pgPort}`,
      )
      const orphan = `events_${row?.shard}`
      await worker.postgres.query(`create table ${orphan} (id bigint primary key)`)
      await lookAgain(worker)
      await until([`CitusOrphanedShards ${worker.name}`])
      const session = await worker.postgres.connect()
      await session.query(`set citus.enable_manual_changes_to_shards = on; drop table ${orphan}`)
      await session.end()
      await lookAgain(worker)
      await until([])
    })

    test('a two-phase commit that nobody ends', async (t) => {
      if (cluster.kind !== 'citus') return t.skip(realOnly)
      const [worker] = cluster.workers
      assert.ok(worker)
      // Recovery runs every second here, and no node has this group.
      await worker.postgres.query(`begin; select txid_current(); prepare transaction 'citus_99_1_2_3'`)
      await lookAgain(worker)
      await until([`CitusTwoPhaseCommitInDoubt ${worker.name}`])
      await worker.postgres.query(`rollback prepared 'citus_99_1_2_3'`)
      await lookAgain(worker)
      await until([])
    })

    test('a clean-up for a node that is registered no more', async (t) => {
      if (cluster.kind !== 'citus') return t.skip(realOnly)
      const { coordinator } = cluster
      await coordinator.postgres.query(
        `insert into pg_dist_cleanup values (nextval('pg_dist_cleanup_recordid_seq'), 1, 1, 'public.events_1', 99, 2)`,
      )
      await lookAgain(coordinator)
      await until([`CitusCleanupOfLostNode ${coordinator.name}`])
      await coordinator.postgres.query('delete from pg_dist_cleanup where node_group_id = 99')
      await lookAgain(coordinator)
      await until([])
    })

    test('metadata of one worker that differ, and that the coordinator has not brought to it', async (t) => {
      if (cluster.kind !== 'citus') return t.skip(realOnly)
      const { coordinator } = cluster
      const [worker] = cluster.workers
      assert.ok(worker)
      await worker.postgres.query('update pg_dist_node set shouldhaveshards = not shouldhaveshards where groupid = 0')
      await worker.postgres.query(
        `update pg_dist_shard set shardmaxvalue = '0' where shardid = (select min(shardid) from pg_dist_shard)`,
      )
      await lookAgain(worker)
      await until([`CitusMetadataDiffers ${worker.name} nodes`, `CitusMetadataDiffers ${worker.name} shards`])
      await coordinator.postgres.query(
        `update pg_dist_node set metadatasynced = false where nodeport = ${worker.pgPort}`,
      )
      await until([
        `CitusMetadataDiffers ${worker.name} nodes`,
        `CitusMetadataDiffers ${worker.name} shards`,
        `CitusMetadataNotSynced ${worker.name}`,
      ])
      await coordinator.postgres.query(`select start_metadata_sync_to_node('${worker.host}', ${worker.pgPort})`)
      await lookAgain(worker)
      await until([])
    })
  })
})
