// The families that a fresh coordinator and its standby tell, by server: one that appears or goes is somebody's dashboard. A server without a
// golden list has its families printed. What a machine may or may not have (cgroups, huge pages) is left out.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, patience } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

/** Of the machine or of the moment. */
const varying =
  /^(?:process_|nodejs_|pg_settings_|citus_sidecar_(?:cgroup|volume|huge_page|series_dropped|io_|blocked_since|oldest_|idle_in|last_|xmin)|pg_long_running_transactions_oldest|pg_exporter_last_scrape_duration|citus_backends_oldest|citus_remote_connections|citus_sidecar_replica_replay_lag|citus_sidecar_sequence|pg_stat_archiver_last|citus_sidecar_archiver)/

/** Asked last on their connections. */
const asked = {
  coordinator: ['citus.remote-pool', 'postgres.database-sizes', 'citus.rebalance'],
  standby: ['citus.fingerprints', 'postgres.database-sizes', 'postgres.indexes'],
} as const

suite('the page', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 0, standbys: [{ of: 'coordinator', name: 'standby' }] })
    await cluster.coordinator.postgres.query('create table t (id integer primary key)')
    await cluster.coordinator.postgres.query('analyze t')
  })
  after(async () => await cluster.down())

  async function familiesOf(node: LocalNode): Promise<string> {
    await node.sidecar.restart()
    await joined(node)
    const page = await eventually(
      'everything was asked',
      async () => {
        const found = await metricsOf(node.sidecar)
        const known = found.get('citus_sidecar_probe_success')?.samples
        const there = asked[node.name === 'standby' ? 'standby' : 'coordinator'].every((probe) =>
          known?.has(`citus_sidecar_probe_success{probe="${probe}"}`),
        )
        return there ? found : undefined
      },
      { deadline: patience },
    )
    const names = [...page]
      .filter(([name]) => !varying.test(name))
      .map(([name, { type, samples }]) => {
        const labels = [...([...samples.keys()][0] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label)
        return `${name}{${labels.join()}} ${type}`
      })
    return `${names.toSorted().join('\n')}\n`
  }

  for (const name of ['coordinator', 'standby'])
    test(`of a ${name} has the families of its golden list`, async () => {
      const node = cluster.node(name)
      const [server] = await node.postgres.query<{ major: number }>(
        `select current_setting('server_version_num')::integer / 10000 as major`,
      )
      const file = new URL(`../golden/families-${server?.major}-${cluster.kind}-${name}.txt`, import.meta.url)
      const found = await familiesOf(node)
      assert.ok(existsSync(file), `${file.pathname} is missing; this server has\n${found}`)
      assert.deepEqual(found.split('\n'), readFileSync(file, 'utf8').split('\n'))
    })
})
