// What a sidecar tells of its PgBouncer is what the admin console says, and whether it is up.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { quick } from '../support/joining.ts'
import { inConsole, patience, withoutPgBouncer } from '../support/pool-holds.ts'
import { connectThrough, PooledClients } from '../support/pooled-clients.ts'
import { metricsOf } from '../support/prometheus-text.ts'

type ConsoleRow = Readonly<Record<string, string | number | null>>

suite('metrics of a pooler', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  let pooler: LocalPooler
  before(async () => {
    cluster = await startCluster({ workers: 0, poolers: 1, env: quick })
    pooler = cluster.pooler('pooler-1')
  })
  after(async () => await cluster.down())

  /** The sample of a family whose labels have all of these. */
  async function told(name: string, ...having: readonly string[]): Promise<number | undefined> {
    const samples = (await metricsOf(pooler.sidecar)).get(name)?.samples ?? new Map()
    const found = [...samples].filter(([series]: [string, number]) => having.every((label) => series.includes(label)))
    assert.ok(found.length <= 1, `${name} has ${found.length} samples with ${having.join(', ')}`)
    return found[0]?.[1]
  }

  async function shown(command: string, key: string, value: string): Promise<ConsoleRow> {
    const rows = await inConsole<ConsoleRow>(cluster, pooler, command)
    const row = rows.find((one) => one[key] === value)
    assert.ok(row !== undefined, `${command} has no ${key} ${value}`)
    return row
  }

  /** Both may change while they are compared; once nobody works they do not. */
  async function same(name: string, labels: readonly string[], truth: () => Promise<number>): Promise<void> {
    await eventually(
      `${name} is told`,
      async () => {
        assert.equal(await told(name, ...labels), await truth())
        return true
      },
      { deadline: patience },
    )
  }

  test('are what the console says', async () => {
    const { database } = cluster.record
    await using clients = await PooledClients.start(cluster, pooler, 3)
    await eventually('clients work', () => clients.done > 50, { deadline: patience })
    await clients.stop()
    const idle = await connectThrough(cluster, pooler)
    try {
      const label = `database="${database}"`
      const pool = async (): Promise<ConsoleRow> => await shown('SHOW POOLS', 'database', database)
      const stats = async (): Promise<ConsoleRow> => await shown('SHOW STATS_TOTALS', 'database', database)
      const base = async (): Promise<ConsoleRow> => await shown('SHOW DATABASES', 'name', database)
      const user = 'user="postgres"'
      await same('pgbouncer_pools_client_active_connections', [label, user], async () =>
        Number((await pool())['cl_active']),
      )
      await same('pgbouncer_pools_client_waiting_connections', [label, user], async () =>
        Number((await pool())['cl_waiting']),
      )
      await same('pgbouncer_stats_totals_sql_transactions_pooled_total', [label], async () => {
        const count = Number((await stats())['xact_count'])
        assert.ok(count > 50)
        return count
      })
      await same(
        'pgbouncer_stats_totals_queries_duration_seconds_total',
        [label],
        async () => Number((await stats())['query_time']) / 1e6,
      )
      await same('pgbouncer_databases_pool_size', [`{name="${database}"`], async () =>
        Number((await base())['pool_size']),
      )
      await same('pgbouncer_config_max_client_connections', [], async () =>
        Number((await shown('SHOW CONFIG', 'key', 'max_client_conn'))['value']),
      )
      await same('pgbouncer_pools', [], async () => Number((await shown('SHOW LISTS', 'list', 'pools'))['items']))
      assert.equal(await told('pgbouncer_version_info', 'version="PgBouncer '), 1)
    } finally {
      await idle.end()
    }
  })

  test('say that it is gone, and that it is back', async () => {
    assert.equal(await told('pgbouncer_up'), 1)
    await pooler.pgbouncer.stop()
    await eventually('it is gone', async () => (await told('pgbouncer_up')) === 0, { deadline: patience })
    assert.equal(await told('pgbouncer_version_info'), undefined)
    await pooler.pgbouncer.start()
    await eventually('it is back', async () => (await told('pgbouncer_up')) === 1, { deadline: patience })
  })
})
