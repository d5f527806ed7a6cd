// The ledger's functions as the sidecar's role may call them: strangers, contradictions and direct writes are refused.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'

const announcement = {
  name: 'worker-9',
  role: 'worker',
  host: 'localhost',
  port: 1,
  system_identifier: '42',
  timeline: 2,
  lsn: '0/2000000',
  in_recovery: false,
}

suite("the ledger's functions", () => {
  let cluster: LocalCluster
  /** One statement as the sidecar's role. */
  const as = async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> => {
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query('set role citus_sidecar')
      return (await client.query<Record<string, unknown>>(sql, [...values])).rows
    } finally {
      await client.end()
    }
  }
  const say = async (change: object): Promise<void> => {
    await as('select citus_sidecar.announce($1::jsonb)', [JSON.stringify({ ...announcement, ...change })])
  }

  before(async () => {
    cluster = await startCluster({ workers: 1, sidecars: false })
  })
  after(async () => await cluster.down())

  test('act for no member that has not announced itself', async () => {
    for (const call of [
      "register('x')",
      "activate('x')",
      "update_address('x')",
      "set_coordinator_host('x')",
      "register_secondary('x', 'default')",
    ]) {
      await assert.rejects(
        as(`select citus_sidecar.${call}`),
        { code: '22023', message: /has not announced itself/ },
        call,
      )
    }
  })

  test('ask no address that nobody announced', async () => {
    await assert.rejects(as("select citus_sidecar.identity_at('localhost', 2)"), { code: '22023' })
  })

  test('take an announcement, and none that contradicts it', async () => {
    await say({})
    await say({ lsn: '0/3000000' })
    await assert.rejects(say({ system_identifier: '43' }), { code: '55000' })
    await assert.rejects(say({ lsn: '0/2000000' }), { code: '55000' })
    await assert.rejects(say({ timeline: 1, lsn: '0/9000000' }), { code: '55000' })
    await assert.rejects(say({ name: 'worker-8' }), { code: '23505' })
    await assert.rejects(say({ host: null }), { code: '22023' })
  })

  test('register nobody whose address does not answer, or answers as another server', async () => {
    await assert.rejects(as("select citus_sidecar.register('worker-9')"), { code: '08006' })
    await say({ lsn: '0/3000000', port: cluster.node('worker-1').pgPort })
    await assert.rejects(as("select citus_sidecar.register('worker-9')"), {
      code: '55000',
      message: /another PostgreSQL/,
    })
    const rows = await cluster.coordinator.postgres.query('select from pg_dist_node where groupid <> 0')
    assert.equal(rows.length, 0)
  })

  test('are the only way to write, and keep their inner functions to themselves', async () => {
    for (const sql of [
      'delete from citus_sidecar.members',
      "update citus_sidecar.members set name = 'y'",
      'delete from citus_sidecar.operations',
      "select citus_sidecar.known_member('worker-9')",
      "select citus_add_node('localhost', 1)",
    ]) {
      await assert.rejects(as(sql), { code: /^(42501|XX000)$/ }, sql)
    }
  })

  test('keep at most a thousand operations', async () => {
    await as(`
      select citus_sidecar.record_operation(jsonb_build_object('id', gen_random_uuid(), 'member', 'm', 'kind', 'k', 'phase', 'p'))
        from generate_series(1, 1010)`)
    const [row] = await as('select count(*)::int as count from citus_sidecar.operations')
    assert.equal(row?.['count'], 1000)
  })
})
