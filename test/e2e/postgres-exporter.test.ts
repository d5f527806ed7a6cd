// Beside a postgres_exporter on the same plain servers, primary and standby: whatever stands still there has the same value here.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { patience, statusOf, until } from '../support/joining.ts'
import { PostgresExporter, withoutPostgresExporter } from '../support/postgres-exporter.ts'
import { readMetrics } from '../support/prometheus-text.ts'

/** Differ on purpose (docs/metrics.md), or tell of the one who asks. */
const ofTheirOwn =
  /^pg_(?:exporter_|scrape_|process_idle|locks_count|stat_activity_|long_running|stat_user_tables_(?:table|index)_size|database_size|stat_statements_|stat_database_(?:stats_reset|numbackends)|settings_(?:statement_timeout|lock_timeout|jit|tcp_|application_name|extra_float_digits|citus_override|force_parallel))/

const flags = [
  'database_wraparound',
  'stat_checkpointer',
  'stat_wal_receiver',
  'statio_user_indexes',
  'postmaster',
  'long_running_transactions',
].map((name) => `--collector.${name}`)

/** Series by name and sorted labels, without `server`. */
function seriesOf(page: string): ReadonlyMap<string, number> {
  const found = [...readMetrics(page)].filter(([name]) => name.startsWith('pg_') && !ofTheirOwn.test(name))
  return new Map(
    found.flatMap(([, { samples }]) =>
      [...samples].map(([series, value]) => {
        const [name = '', labels = ''] = series.split(/\{(.*)\}$/)
        const pairs = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([pair]) => pair)
        // A replica without a slot has the number of its process as slot_name there.
        const kept = pairs
          .filter((pair) => !pair.startsWith('server='))
          .map((pair) => pair.replace(/^slot_name="\d+"$/, 'slot_name=""'))
          .toSorted()
        return [`${name}{${kept.join()}}`, value] as const
      }),
    ),
  )
}

/** Instants are whole seconds there. */
function agree(theirs: number, here: number | undefined): boolean {
  if (here === undefined) return false
  return here === theirs || (theirs > 1e9 && theirs < 1e10 && Math.abs(here - theirs) < 1)
}

suite('beside postgres_exporter', { skip: await withoutPostgresExporter() }, () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({
      workers: 0,
      standbys: [{ of: 'coordinator', name: 'standby' }],
      env: { CITUS_SIDECAR_MAX_SERIES: '2000' },
    })
    const { postgres } = cluster.coordinator
    await postgres.query('create table t (id integer primary key, x text)')
    await postgres.query('insert into t select g, g from generate_series(1, 1000) g')
    await postgres.query(`select pg_create_physical_replication_slot('unused', true)`)
    await postgres.query('vacuum analyze t')
    await postgres.query('select count(*) from t')
  })
  after(async () => await cluster.down())

  const compare = async (node: LocalNode): Promise<void> => {
    const { host, port } = { host: 'localhost', port: node.pgPort }
    await using exporter = await PostgresExporter.start(
      `host=${host} port=${port} user=postgres password=${cluster.passwords.postgres} dbname=app sslmode=disable`,
      flags,
    )
    await exporter.scrape()
    const first = seriesOf(await exporter.scrape())
    // The sidecar reads everything when it starts.
    await node.sidecar.restart()
    await until(node, 'everything was read', ({ readings }) =>
      ['postgres.tables', 'postgres.indexes', 'postgres.version', 'postgres.roles'].every((name) => name in readings),
    )
    const ours = seriesOf((await node.sidecar.get('/metrics')).body)
    const second = seriesOf(await exporter.scrape())
    const still = [...second].filter(([series, value]) => first.get(series) === value)
    const differing = still.filter(([series, value]) => !agree(value, ours.get(series)))
    assert.ok(still.length > 300, `${still.length} series stand still`)
    assert.deepEqual(
      differing.map(([series, value]) => [series, value, ours.get(series)]),
      [],
    )
    const { readings } = await statusOf(node)
    assert.deepEqual(
      Object.entries(readings).flatMap(([name, reading]) => (reading?.error === undefined ? [] : [name])),
      [],
    )
  }

  test('a primary has its values', async () => {
    await eventually(
      'counted',
      async () => {
        const [row] = await cluster.coordinator.postgres.query<{ n: number }>(
          `select n_live_tup::float8 as n from pg_stat_user_tables where relname = 't'`,
        )
        return row?.n === 1_000
      },
      { deadline: patience },
    )
    await compare(cluster.coordinator)
  })

  test('a standby has its values', async () => await compare(cluster.node('standby')))
})
