// Answers of the admin console -> families: units, columns that vary with the version, and the busiest first.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { collect, FamilyReading } from '../../../probes/collection.ts'
import type { Collection } from '../../../probes/collection.ts'
import type { CollectionName } from '../../../probes/collections.ts'
import { capacity } from '../../../probes/pgbouncer/capacity.ts'
import { config, lists } from '../../../probes/pgbouncer/lists.ts'
import { pools } from '../../../probes/pgbouncer/pools.ts'
import { stats } from '../../../probes/pgbouncer/stats.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql } from '../../support/scripted-sql.ts'

/** Samples by family, each as its labels' values and its value. */
async function told(
  collection: Collection<CollectionName>,
  rows: readonly object[],
): Promise<Readonly<Record<string, readonly (readonly (string | number)[])[]>>> {
  const sql = scriptedSql({ when: /^SHOW [A-Z_]+$/, rows })
  const reading = await collect(collection, probeLimits).read(probeContext(sql), AbortSignal.timeout(5_000))
  assert.ok(reading instanceof FamilyReading)
  return Object.fromEntries(
    reading.families.map(({ spec, samples }) => [
      spec.name,
      samples.map(({ labels, value }) => [...Object.values(labels), value]),
    ]),
  )
}

suite('figures of PgBouncer', () => {
  test('have the longest wait with its microseconds, the pools with waiting clients first', async () => {
    const found = await told(pools, [
      { database: 'a', user: 'u', cl_active: 90, cl_waiting: 0, maxwait: 0, maxwait_us: 0 },
      { database: 'b', user: 'u', cl_active: 1, cl_waiting: 2, maxwait: 3, maxwait_us: 250_000 },
    ])
    assert.deepEqual(found['pgbouncer_pools_client_waiting_connections'], [
      ['b', 'u', 2],
      ['a', 'u', 0],
    ])
    assert.deepEqual(found['pgbouncer_pools_client_maxwait_seconds'], [
      ['b', 'u', 3.25],
      ['a', 'u', 0],
    ])
    assert.deepEqual(found['pgbouncer_pools_server_being_canceled_connections'], [])
  })

  test('have times in seconds, and nothing of what this version does not count', async () => {
    const found = await told(stats, [
      { database: 'a', query_count: '5', xact_count: '4', query_time: '1500000', xact_time: '2500000', wait_time: '1' },
    ])
    assert.deepEqual(found['pgbouncer_stats_totals_queries_pooled_total'], [['a', 5]])
    assert.deepEqual(found['pgbouncer_stats_totals_queries_duration_seconds_total'], [['a', 1.5]])
    assert.deepEqual(found['pgbouncer_stats_totals_client_wait_seconds_total'], [['a', 0.000_001]])
    assert.deepEqual(found['pgbouncer_stats_totals_binds_total'], [])
  })

  test('have the reserve of a pool under both names it has had', async () => {
    const row = { name: 'a', host: null, port: 1, database: 'a', force_user: null, pool_mode: null }
    for (const column of ['reserve_pool', 'reserve_pool_size']) {
      const found = await told(capacity, [{ ...row, current_connections: 2, paused: 1, [column]: 7 }])
      assert.deepEqual(found['pgbouncer_databases_reserve_pool'], [['a', '', '1', 'a', '', '', 7]])
      assert.deepEqual(found['pgbouncer_databases_paused'], [['a', '', '1', 'a', '', '', 1]])
    }
  })

  test('have one sample of each list and setting they know', async () => {
    const found = await told(lists, [
      { list: 'used_clients', items: 3 },
      { list: 'dns_pending', items: 9 },
    ])
    assert.deepEqual(found['pgbouncer_used_clients'], [[3]])
    assert.deepEqual(found['pgbouncer_used_servers'], [])
    const settings = await told(config, [
      { key: 'max_client_conn', value: '100' },
      { key: 'pool_mode', value: 'transaction' },
    ])
    assert.deepEqual(settings, {
      pgbouncer_config_max_client_connections: [[100]],
      pgbouncer_config_max_user_connections: [],
    })
  })
})

test('figures of PgBouncer are asked for beside one, and where the address of one is known', () => {
  const probe = collect(pools, probeLimits)
  assert.equal(probe.skip({ role: 'pooler', inRecovery: undefined }), undefined)
  assert.equal(probe.skip({ role: 'worker', inRecovery: undefined, pgbouncer: true }), undefined)
  assert.equal(
    probe.skip({ role: 'worker', inRecovery: false, pgbouncer: false }),
    'without CITUS_SIDECAR_PGBOUNCER_ADDRESS beside PostgreSQL',
  )
  assert.equal(probe.session, 'pgbouncer')
})
