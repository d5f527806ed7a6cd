// Standbys of a worker: ready while they stream, honest about their lag, registered only where asked.
import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { StatusReport } from '../../agent/http/status-report.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import {
  complaints,
  finds,
  joined,
  looksAgain,
  operations,
  quick,
  registered,
  statusOf,
  until,
} from '../support/joining.ts'
import { sidecarSessions } from '../support/server-sessions.ts'

const settings = { CITUS_SIDECAR_STANDBY_GRACE: '3s', CITUS_SIDECAR_STANDBY_MAX_LAG: '4MB' }
const mebibytes = 1024 ** 2

suite('standbys of a worker', () => {
  let cluster: LocalCluster
  let primary: LocalNode
  let secondary: LocalNode
  let plain: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      standbys: [
        { of: 'worker-1', name: 'secondary' },
        { of: 'worker-1', name: 'plain' },
      ],
      env: { ...quick, ...settings },
      nodeEnv: { secondary: { CITUS_SIDECAR_REGISTER_STANDBY: 'true' } },
      // A frozen primary closes nothing: only this limit tells its standbys.
      postgresSettings: { wal_receiver_timeout: '2s', wal_retrieve_retry_interval: '500ms' },
    })
    primary = cluster.node('worker-1')
    secondary = cluster.node('secondary')
    plain = cluster.node('plain')
  })
  after(async () => await cluster.down())

  test('stream and are ready, with the lag that they have', async () => {
    for (const node of [secondary, plain]) {
      const { readings } = await until(
        node,
        'ready while streaming',
        ({ ready, readings: { 'postgres.replication': found } }) => ready.ok && found?.value?.status === 'streaming',
      )
      const lag = readings['postgres.replication']?.value?.lagBytes
      assert.ok(lag !== undefined && lag < mebibytes, String(lag))
      const page = await node.sidecar.get('/readyz?verbose')
      assert.match(page.body, /^\[\+\]replication ok: streaming, \d\.\d MB behind/m)
      assert.equal((await node.sidecar.get('/replica')).status, 200)
      assert.equal((await node.sidecar.get('/primary')).status, 503)
    }
    assert.equal((await primary.sidecar.get('/primary')).status, 200)
  })

  test('register as secondary of their group only where asked', async () => {
    await joined(secondary)
    assert.deepEqual(await registered(cluster), [
      `0 localhost:${cluster.coordinator.pgPort}`,
      `2 localhost:${primary.pgPort}`,
      `2 localhost:${secondary.pgPort} secondary`,
    ])
    const { join: found } = await joined(plain)
    assert.equal(found.reason, 'a standby that does not register')
    const before = await operations(cluster)
    assert.ok(before.includes('secondary add-secondary succeeded'), before.join())
    await secondary.sidecar.restart()
    await joined(secondary)
    await looksAgain(secondary)
    assert.deepEqual(await operations(cluster), before)
  })

  test('stay removed once somebody removed them, until a person accepts', async () => {
    await until(secondary, 'its row in the ledger', ({ members }) => {
      const [own, leader] = ['secondary', 'worker-1'].map((name) => members.find((one) => one.name === name)?.nodeId)
      return own !== undefined && own !== null && own !== leader
    })
    const before = await operations(cluster)
    await cluster.coordinator.postgres.query(`select citus_remove_node('localhost', $1)`, [secondary.pgPort])
    await finds(secondary, 'removed', /^this standby was registered as node \d+, and the coordinator no longer has it$/)
    await secondary.sidecar.restart()
    await secondary.sidecar.answers('/livez')
    await finds(secondary, 'removed', /^this standby was registered/)
    await looksAgain(secondary)
    assert.deepEqual(await operations(cluster), before)
    const { code, stderr } = await secondary.command(['accept', '--yes'])
    assert.equal(code, 0, stderr)
    await joined(secondary)
    assert.deepEqual(await operations(cluster), [...before, 'secondary add-secondary succeeded'])
    assert.equal((await registered(cluster)).at(-1), `2 localhost:${secondary.pgPort} secondary`)
  })

  test('listen on the coordinator', async () => {
    for (const node of [secondary, plain]) await until(node, 'listens', ({ listening }) => listening.up)
    const listeners = await sidecarSessions(cluster.coordinator.postgres, 'listen')
    assert.equal(listeners.length, cluster.nodes.length)
    assert.deepEqual(await sidecarSessions(plain.postgres, 'listen'), [])
  })

  test('are not ready while replay is paused and behind, and are again once it has caught up', async () => {
    await plain.postgres.query('select pg_wal_replay_pause()')
    await primary.postgres.query(`select pg_logical_emit_message(false, 'test', repeat('x', ${8 * mebibytes}))`)
    const behind = await replicationIs(
      plain,
      'failed',
      /^replay is paused by \d+\.\d MB; allowed 4\.0 MB, ready again below half of it$/,
    )
    assert.ok(!behind.ready.ok)
    assert.ok((behind.readings['postgres.replication']?.value?.lagBytes ?? 0) > 4 * mebibytes)
    const page = await plain.sidecar.get('/readyz')
    assert.equal(page.status, 503)
    assert.match(page.body, /^\[-\]replication failed: replay is paused .*; run pg_wal_replay_resume\(\)$/m)
    // The other one has caught up, however busy the machine is.
    await joined(secondary)
    await plain.postgres.query('select pg_wal_replay_resume()')
    await replicationIs(plain, 'ok', /^streaming/)
    await joined(plain)
  })

  for (const [how, leave, comeBack] of [
    ['stopped', async () => await primary.postgres.stop(), async () => await primary.postgres.start()],
    ['frozen', async () => await primary.postgres.freeze(), () => primary.postgres.thaw()],
  ] as const) {
    test(`stay ready for a while when their primary is ${how}, then no longer, and heal`, async () => {
      const left = Date.now()
      await leave()
      const lost = await replicationIs(
        plain,
        'failed',
        /^the standby does not stream \(WAL receiver: .*\), so its lag is unknown$/,
      )
      assert.ok(!lost.ready.ok)
      assert.equal(lost.readings['postgres.replication']?.value?.lagBytes, undefined)
      // By the sidecar's own record: on a busy machine the grace of three seconds is over before anybody has asked.
      const flip = lost.flips.find(({ at, verdict, ok }) => at >= left && verdict === 'ready' && !ok)
      assert.ok(flip !== undefined && flip.at - left > 1_000, JSON.stringify(lost.flips))
      const page = await plain.sidecar.get('/readyz')
      assert.equal(page.status, 503)
      assert.match(page.body, /^\[-\]replication failed: .*; look whether the primary runs and at primary_conninfo$/m)
      await comeBack()
      await Promise.all([primary, secondary, plain].map(async (node) => await joined(node)))
      await replicationIs(plain, 'ok', /^streaming/)
    })
  }

  test('remember maintenance without their run directory, by the ledger', async () => {
    const { code, stderr } = await plain.command(['maintenance', 'on', '--reason', 'disk'])
    assert.equal(code, 0, stderr)
    const inLedger = `select from citus_sidecar.members where name = 'plain' and (maintenance->>'on')::boolean`
    await until(plain, 'in the ledger', ({ members }) =>
      members.some(({ name, maintenance }) => name === 'plain' && maintenance?.on === true),
    )
    assert.equal((await cluster.coordinator.postgres.query(inLedger)).length, 1)
    await plain.sidecar.stop()
    await wipe(plain.runDir)
    plain.sidecar.start()
    await plain.sidecar.answers('/livez')
    const status = await until(plain, 'in maintenance again', ({ maintenance, ready }) => maintenance.on && !ready.ok)
    assert.equal(status.maintenance.reason, 'disk')
    await plain.command(['maintenance', 'off'])
    await joined(plain)
  })

  test('are not in maintenance because their primary is', async () => {
    await primary.command(['maintenance', 'on', '--reason', 'of the primary'])
    const noted = `select from citus_sidecar.notebook where (maintenance->>'on')::boolean`
    await until(primary, 'in the notebook', ({ maintenance }) => maintenance.on)
    await eventually('the standby has replayed it', async () => (await plain.postgres.query(noted)).length > 0)
    await plain.sidecar.restart()
    await plain.sidecar.answers('/livez')
    await joined(plain)
    await looksAgain(plain)
    assert.equal((await statusOf(plain)).maintenance.on, false)
    await primary.command(['maintenance', 'off'])
    await joined(primary)
  })

  test('complain about nothing in all that', () => {
    for (const node of cluster.nodes) if (node !== secondary) assert.deepEqual(complaints(node), [])
    // But for what somebody did to it by hand.
    const refused = complaints(secondary) as readonly Record<string, unknown>[]
    assert.deepEqual(
      [...new Set(refused.map(({ event, code }) => `${String(event)} ${String(code)}`))],
      ['join.refused removed'],
    )
  })
})

/** Waits until the node's replication check is as wanted. */
async function replicationIs(node: LocalNode, wanted: string, reason: RegExp): Promise<StatusReport> {
  return await until(node, `replication ${wanted} ${reason}`, ({ ready }) => {
    const check = ready.checks.find(({ name }) => name === 'replication')
    return check?.status === wanted && reason.test(check.reason)
  })
}

/** Empties a directory. */
async function wipe(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true })
}
