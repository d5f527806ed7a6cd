// /metrics while PostgreSQL is in trouble: every scrape answers, with the truth about how old it is.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { TakenSlots } from '../support/connection-slots.ts'
import { joined, patience, quick, statusOf, until } from '../support/joining.ts'
import { readMetrics } from '../support/prometheus-text.ts'

suite('/metrics', () => {
  let cluster: LocalCluster
  let node: LocalNode
  before(async () => {
    cluster = await startCluster({ workers: 0, env: quick })
    node = cluster.coordinator
    await node.postgres.query('create table t (id integer primary key)')
    await node.postgres.query('insert into t select generate_series(1, 50)')
  })
  after(async () => await cluster.down())

  const scrape = async (): Promise<ReturnType<typeof readMetrics>> => {
    const { status, body } = await node.sidecar.get('/metrics')
    assert.equal(status, 200)
    return readMetrics(body)
  }
  const value = async (family: string, series = family): Promise<number | undefined> =>
    (await scrape()).get(family)?.samples.get(series)
  const upIs = async (wanted: number): Promise<void> => {
    await eventually(`pg_up is ${wanted}`, async () => (await value('pg_up')) === wanted, { deadline: patience })
  }
  const lastSuccess = 'citus_sidecar_probe_last_success_timestamp_seconds'

  test('tells of a table that somebody has locked, and of that lock', async () => {
    const session = await node.postgres.connect()
    try {
      await session.query('begin; lock table t in access exclusive mode')
      await node.sidecar.restart()
      await until(node, 'everything was asked', ({ readings }) =>
        ['postgres.tables', 'postgres.table-io', 'postgres.indexes', 'postgres.locks'].every(
          (name) => readings[name as 'postgres.tables']?.value !== undefined,
        ),
      )
      const table = 'datname="app",schemaname="public",relname="t"'
      assert.ok((await value('pg_stat_user_tables_n_tup_ins', `pg_stat_user_tables_n_tup_ins{${table}}`)) !== undefined)
      assert.equal(await value('pg_locks_count', 'pg_locks_count{datname="app",mode="accessexclusivelock"}'), 1)
      const failed = [...((await scrape()).get('citus_sidecar_probe_success')?.samples ?? [])].filter(
        ([series, ok]) => ok === 0 && series.includes('postgres.'),
      )
      assert.deepEqual(failed, [])
    } finally {
      await session.end()
    }
  })

  test('goes on when there is no connection left for anybody', async () => {
    const slots = await TakenSlots.take(node.postgres)
    try {
      const since = Date.now()
      await until(node, 'sessions are counted', ({ readings }) => {
        const reading = readings['postgres.activity']
        return reading?.value !== undefined && reading.begunAt > since
      })
      assert.equal(await value('pg_up'), 1)
      const limit = (await value('pg_settings_max_connections')) ?? 0
      const sessions = [...((await scrape()).get('pg_stat_activity_count')?.samples.values() ?? [])]
      assert.ok(limit > 0 && sessions.reduce((sum, one) => sum + one, 0) >= limit - 5)
    } finally {
      await slots[Symbol.asyncDispose]()
    }
    await joined(node)
  })

  test('says of a frozen server that it is not up, and how old everything is', async () => {
    const before = await value(lastSuccess, `${lastSuccess}{probe="postgres.alive"}`)
    await node.postgres.freeze()
    try {
      await upIs(0)
      const page = await scrape()
      assert.ok(page.has('pg_stat_database_xact_commit'), 'the last numbers are told until they are too old')
      const last = page.get(lastSuccess)?.samples.get(`${lastSuccess}{probe="postgres.alive"}`) ?? 0
      assert.ok(last >= (before ?? 0) && last < Date.now() / 1_000 - 1)
    } finally {
      node.postgres.thaw()
    }
    await upIs(1)
    await joined(node)
  })

  test('says of a server that is down that it is not up, and is back as soon as it is', async () => {
    await node.postgres.stop()
    await upIs(0)
    await eventually('collectors fail', async () => (await value('pg_exporter_last_scrape_error')) === 1, {
      deadline: patience,
    })
    await node.postgres.start()
    await upIs(1)
    await eventually('collectors succeed', async () => (await value('pg_exporter_last_scrape_error')) === 0, {
      deadline: patience,
    })
    const { readings } = await statusOf(node)
    assert.equal(readings['postgres.settings']?.error, undefined)
  })
})
