// A PgBouncer without a sidecar of its own, told by the one beside PostgreSQL; what is wrong with it costs its own metrics alone.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { assertTellsConsole, told } from '../support/console-figures.ts'
import { joined, patience, quick, statusOf } from '../support/joining.ts'
import { inConsole, withoutPgBouncer } from '../support/pool-holds.ts'
import { metricsOf } from '../support/prometheus-text.ts'

const probes = [
  'pgbouncer.alive',
  'pgbouncer.pools',
  'pgbouncer.stats',
  'pgbouncer.capacity',
  'pgbouncer.lists',
] as const

suite('a PgBouncer elsewhere', { skip: withoutPgBouncer }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'console-password-'))
  const passwordFile = join(folder, 'password')
  let cluster: LocalCluster
  let node: LocalNode
  let pooler: LocalPooler
  before(async () => {
    // Nobody is an admin of it who may read it: reading is all that this takes.
    const poolerSettings = { stats_users: 'postgres' }
    cluster = await startCluster({ workers: 0, poolers: 1, sidecars: false, poolerSettings })
    node = cluster.coordinator
    pooler = cluster.pooler('pooler-1')
    writeFileSync(passwordFile, cluster.passwords.postgres)
    node.sidecar.start({
      ...quick,
      CITUS_SIDECAR_PGBOUNCER_ADDRESS: `localhost:${pooler.port}`,
      CITUS_SIDECAR_PGBOUNCER_USER: 'postgres',
      CITUS_SIDECAR_PGBOUNCER_PASSWORD_FILE: passwordFile,
    })
    await joined(node)
  })
  after(async () => {
    await cluster.down()
    rmSync(folder, { recursive: true })
  })

  /** Waits until all of them have failed so, and holds the rest of the sidecar to what it says meanwhile. */
  async function failsAlone(message: RegExp): Promise<void> {
    const asked = async (): Promise<number> => (await statusOf(node)).readings['postgres.activity']?.begunAt ?? 0
    const before = await asked()
    await eventually(
      'each of its probes has failed',
      async () => {
        const { readings, ready } = await statusOf(node)
        assert.ok(ready.ok, JSON.stringify(ready.checks))
        for (const name of probes) assert.match(readings[name]?.error?.message ?? 'no error', message)
        return true
      },
      { deadline: patience },
    )
    await eventually('PostgreSQL is asked as ever', async () => (await asked()) > before, { deadline: patience })
    const page = await metricsOf(node.sidecar)
    const success = page.get('citus_sidecar_probe_success')?.samples ?? new Map<string, number>()
    const failed = [...success].flatMap(([series, value]) => (value === 1 ? [] : [/"(.*)"/.exec(series)?.[1] ?? '']))
    assert.deepEqual(
      failed.filter((name) => !name.startsWith('pgbouncer.')),
      [],
    )
    assert.equal(page.get('pgbouncer_up')?.samples.get('pgbouncer_up'), 0)
    assert.equal(page.get('pg_up')?.samples.get('pg_up'), 1)
    for (const path of ['/livez', '/readyz', '/startupz']) assert.equal((await node.sidecar.get(path)).status, 200)
  }

  async function isBack(): Promise<void> {
    await eventually(
      'all of its probes have an answer',
      async () => {
        const { readings } = await statusOf(node)
        return probes.every((name) => readings[name]?.value !== undefined)
      },
      { deadline: patience },
    )
    assert.equal(await told(node.sidecar, 'pgbouncer_up'), 1)
  }

  test('is told as its console says, on one connection', async () => {
    await assertTellsConsole(cluster, pooler, node.sidecar)
    const clients = await inConsole<{ user: string; database: string; application_name?: string }>(
      cluster,
      pooler,
      'SHOW CLIENTS',
    )
    const ours = clients.filter(({ user, database }) => user === 'postgres' && database === 'pgbouncer')
    assert.equal(ours.length, 1)
  })

  test('hangs', async () => {
    pooler.pgbouncer.freeze()
    await failsAlone(/no answer (?:to the login )?within \d+ ms/)
    pooler.pgbouncer.thaw()
    await isBack()
  })

  test('is away', async () => {
    await pooler.pgbouncer.stop()
    await failsAlone(/\bECONNREFUSED\b/)
    await pooler.pgbouncer.start()
    await isBack()
  })

  test('takes no password but its own, which is read again', async () => {
    writeFileSync(passwordFile, 'wrong')
    await pooler.pgbouncer.restart()
    await failsAlone(/password authentication failed|SASL/)
    writeFileSync(passwordFile, cluster.passwords.postgres)
    await isBack()
  })

  test('has made nobody complain but of its own sessions', () => {
    const closed = node.sidecar.log().filter(({ event }) => event === 'session.closed')
    assert.ok(closed.length > 0)
    for (const line of closed) assert.equal(line['session'], 'pgbouncer')
  })
})
