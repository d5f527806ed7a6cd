// Fewer workers: with `remove` no shard is lost and no client notices; without it nothing is touched, and it is said aloud.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { readMetrics } from '../support/prometheus-text.ts'
import { KubeCluster, patience } from './kube-cluster.ts'
import { createLoadTable, KubeLoad } from './load.ts'

const withShards =
  process.env['CITUS_FILES'] === undefined ? 'needs real Citus: set CITUS_FILES to an installed tree of it' : false
const coordinator = 'citus-coordinator-0'

suite('a cluster that is scaled down', { skip: withShards }, () => {
  let cluster: KubeCluster
  before(async () => {
    cluster = await KubeCluster.install('scale', { workers: 3 })
    await createLoadTable(cluster)
  })
  after(async () => await cluster[Symbol.asyncDispose]())

  const scale = async (replicas: number): Promise<void> => {
    await cluster.kubectl('scale', 'statefulset/citus-worker', `--replicas=${replicas}`)
    await cluster.allReady(replicas + 3)
  }
  const registered = async (): Promise<string> =>
    await cluster.coordinator(
      `select string_agg(split_part(nodename, '.', 1), ' ' order by nodename) from pg_dist_node where groupid > 0`,
    )
  const placements = async (): Promise<string> =>
    await cluster.coordinator(
      `select string_agg(shardid || ' ' || groupid, ',' order by shardid, groupid) from pg_dist_placement`,
    )
  const rows = async (): Promise<string> => await cluster.coordinator('select count(*) from load')
  /** Shards that are lost with each member that is not there. */
  const lost = async (): Promise<Readonly<Record<string, number>>> => {
    const { body } = await cluster.page(coordinator, '/metrics')
    const samples = readMetrics(body).get('citus_sidecar_member_lost_with_shards')?.samples ?? []
    return Object.fromEntries([...samples].map(([series, value]) => [/member="([^"]+)"/.exec(series)?.[1], value]))
  }

  test('after `remove` has lost nothing, and its clients did not notice', async (context) => {
    const load = await KubeLoad.start(cluster)
    const began = performance.now()
    await cluster.exec(coordinator, 'citus-sidecar', 'citus-sidecar', 'remove', 'citus-worker-2')
    const took = performance.now() - began
    assert.equal(await registered(), 'citus-worker-0 citus-worker-1')
    await scale(2)
    await load.goesOn()
    const { transactions, failed, failures, missing } = await load.stop()
    context.diagnostic(`removed in ${(took / 1_000).toFixed(1)} s; ${failed} of ${transactions} transactions failed`)
    assert.deepEqual({ failed, missing, failures }, { failed: 0, missing: 0, failures: [] })
    assert.deepEqual(await lost(), { 'citus-worker-0': 0, 'citus-worker-1': 0 })
  })

  test('without `remove` keeps all metadata, says what is lost meanwhile, and is whole when scaled up again', async (context) => {
    const before = { nodes: await registered(), placements: await placements(), rows: await rows() }
    const began = performance.now()
    await cluster.kubectl('scale', 'statefulset/citus-worker', '--replicas=1')
    await eventually('it is said', async () => ((await lost())['citus-worker-1'] ?? 0) > 0, {
      deadline: patience,
      interval: 2_000,
    })
    context.diagnostic(`said after ${((performance.now() - began) / 1_000).toFixed(0)} s`)
    const log = await cluster.kubectl('logs', coordinator, '-c', 'citus-sidecar')
    assert.match(log, /"event":"member\.lost"/)
    assert.deepEqual([await registered(), await placements()], [before.nodes, before.placements])
    const cause = await cluster.coordinator(
      `select reason from citus_sidecar.drain_phases where member = 'citus-worker-1' and phase = 'cause' order by began desc limit 1`,
    )
    assert.match(cause, /^scale-down/)
    await scale(2)
    await eventually('all is there again', async () => (await lost())['citus-worker-1'] === 0, {
      deadline: patience,
      interval: 1_000,
    })
    assert.deepEqual({ nodes: await registered(), placements: await placements(), rows: await rows() }, before)
  })
})
