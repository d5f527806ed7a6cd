// Tables of other databases of the same server: told by name, and one that cannot be read costs only itself.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

suite('tables of other databases', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
    const { postgres } = cluster.coordinator
    for (const name of ['one', 'two', 'closed']) await postgres.query(`create database ${name}`)
    for (const database of ['one', 'two']) {
      await postgres.query(`create table only_${database} (id integer primary key)`, [], { database })
      await postgres.query(`insert into only_${database} select generate_series(1, 12)`, [], { database })
    }
    await postgres.query('revoke connect on database closed from public')
  })
  after(async () => await cluster.down())

  async function told(databases: string): Promise<Awaited<ReturnType<typeof metricsOf>>> {
    const { sidecar } = cluster.coordinator
    if (sidecar.pid !== undefined) await sidecar.stop()
    sidecar.start({ ...quick, CITUS_SIDECAR_DATABASES: databases })
    await joined(cluster.coordinator)
    return await eventually(
      'tables are told',
      async () => {
        const page = await metricsOf(sidecar)
        return page.has('pg_statio_user_tables_heap_blocks_hit') && page.has('pg_stat_user_tables_n_tup_ins')
          ? page
          : undefined
      },
      { deadline: patience },
    )
  }
  const inserted = (page: Awaited<ReturnType<typeof metricsOf>>, datname: string): number | undefined =>
    page
      .get('pg_stat_user_tables_n_tup_ins')
      ?.samples.get(`pg_stat_user_tables_n_tup_ins{datname="${datname}",schemaname="public",relname="only_${datname}"}`)
  const readable = (page: Awaited<ReturnType<typeof metricsOf>>): Readonly<Record<string, number>> =>
    Object.fromEntries(
      [...(page.get('citus_sidecar_database_readable')?.samples ?? [])].map(([series, value]) => [
        /"(.*)"/.exec(series)?.[1] ?? '',
        value,
      ]),
    )

  test('are told of those that are named', async () => {
    const page = await told('one, missing')
    assert.equal(inserted(page, 'one'), 12)
    assert.equal(inserted(page, 'two'), undefined)
    assert.deepEqual(readable(page), { one: 1, missing: 0 })
    assert.ok(
      page
        .get('pg_stat_user_tables_n_tup_ins')
        ?.samples.has('pg_stat_user_tables_n_tup_ins{datname="app",schemaname="citus_sidecar",relname="notebook"}'),
      'and of our own',
    )
  })

  test('are told of all, with one that lets nobody in as unreadable', async () => {
    const page = await told('*')
    assert.equal(inserted(page, 'one'), 12)
    assert.equal(inserted(page, 'two'), 12)
    const found = readable(page)
    assert.deepEqual([found['one'], found['two'], found['closed']], [1, 1, 0])
  })
})
