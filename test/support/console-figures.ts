// What a sidecar tells of a PgBouncer, held against what PgBouncer's own console says.
import assert from 'node:assert/strict'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
import type { SidecarProcess } from '../../deploy/local/sidecar-process.ts'
import { inConsole, patience } from './pool-holds.ts'
import { connectThrough, PooledClients } from './pooled-clients.ts'
import { metricsOf } from './prometheus-text.ts'

type ConsoleRow = Readonly<Record<string, string | number | null>>

/** The sample of a family whose labels have all of these. */
export async function told(
  sidecar: SidecarProcess,
  name: string,
  ...having: readonly string[]
): Promise<number | undefined> {
  const samples = (await metricsOf(sidecar)).get(name)?.samples ?? new Map()
  const found = [...samples].filter(([series]: [string, number]) => having.every((label) => series.includes(label)))
  assert.ok(found.length <= 1, `${name} has ${found.length} samples with ${having.join(', ')}`)
  return found[0]?.[1]
}

/** Clients work through the pooler and rest; then the sidecar tells of pools, statistics, databases, limits and lists what the console says. */
export async function assertTellsConsole(
  cluster: LocalCluster,
  pooler: LocalPooler,
  sidecar: SidecarProcess,
): Promise<void> {
  const { database } = cluster.record
  const shown = async (command: string, key: string, value: string): Promise<ConsoleRow> => {
    const row = (await inConsole<ConsoleRow>(cluster, pooler, command)).find((one) => one[key] === value)
    assert.ok(row !== undefined, `${command} has no ${key} ${value}`)
    return row
  }
  // Both may change while they are compared; once nobody works they do not.
  const same = async (name: string, labels: readonly string[], truth: () => Promise<number>): Promise<void> => {
    await eventually(
      `${name} is told`,
      async () => {
        assert.equal(await told(sidecar, name, ...labels), await truth())
        return true
      },
      { deadline: patience },
    )
  }
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
    assert.equal(await told(sidecar, 'pgbouncer_version_info', 'version="PgBouncer '), 1)
  } finally {
    await idle.end()
  }
}
