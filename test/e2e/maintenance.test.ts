// `citus-sidecar maintenance on`: not ready and nothing done until it is off again, whatever restarts in between.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import {
  catalogsOf,
  joined,
  looksAgain,
  operations,
  patience,
  quick,
  registered,
  statusOf,
  until,
} from '../support/joining.ts'

suite('maintenance', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let fresh: LocalNode
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick, sidecars: false })
    node = cluster.node('worker-1')
    fresh = cluster.node('worker-2')
    for (const { sidecar } of [cluster.coordinator, node]) sidecar.start()
    await Promise.all([joined(cluster.coordinator), joined(node)])
  })
  after(async () => await cluster.down())

  const command = async (one: LocalNode, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await one.command(['maintenance', ...args])
    assert.equal(code, 0, stderr)
    return stdout
  }
  const isOn = async (one: LocalNode): Promise<void> => {
    const status = await until(one, 'is in maintenance', ({ maintenance, ready }) => maintenance.on && !ready.ok)
    assert.equal(status.maintenance.reason, 'new disk')
  }
  const noted = async (one: LocalNode, on: boolean): Promise<void> => {
    const sql = `select from citus_sidecar.notebook where (maintenance->>'on')::boolean = $1`
    await eventually('it is in the notebook', async () => (await one.postgres.query(sql, [on])).length === 1, {
      deadline: patience,
    })
  }
  const metric = async (one: LocalNode): Promise<string | undefined> =>
    /^citus_sidecar_maintenance (\d)$/m.exec((await one.sidecar.get('/metrics')).body)?.[1]

  test('makes a node unready at once, with the reason a person gave, and is shown everywhere', async () => {
    assert.equal(await metric(node), '0')
    assert.equal(await command(node, 'on', '--reason', 'new disk'), 'maintenance is on on worker-1\n')
    const page = await node.sidecar.get('/readyz')
    assert.equal(page.status, 503)
    assert.match(
      page.body,
      /^\[-\]maintenance failed: in maintenance since \d{4}-\S+Z: new disk; run `citus-sidecar maintenance off` when done$/m,
    )
    await isOn(node)
    assert.equal(await metric(node), '1')
    assert.equal((await node.sidecar.get('/livez')).status, 200)
    await eventually(
      'the table of the cluster shows it',
      async () => /^worker-1 .* active, maintenance +no /m.test((await node.command(['status'])).stdout),
      { deadline: patience, interval: 500 },
    )
  })

  test('survives a restart of the sidecar, also one that finds an empty run directory', async () => {
    await node.sidecar.restart()
    await node.sidecar.answers('/livez')
    await isOn(node)
    await noted(node, true)
    await node.sidecar.stop()
    await rm(join(node.runDir, 'maintenance.json'))
    const since = Date.now()
    node.sidecar.start()
    await node.sidecar.answers('/livez')
    await isOn(node)
    await looksAgain(node)
    assert.deepEqual(
      (await statusOf(node)).flips.filter(({ at, verdict, ok }) => at > since && verdict === 'ready' && ok),
      [],
    )
  })

  test('lets nothing be done: not even a changed address is told', async () => {
    const state = async (): Promise<unknown> => [
      await operations(cluster),
      await catalogsOf(cluster.coordinator.postgres),
    ]
    const before = await state()
    await node.sidecar.stop()
    node.sidecar.start({ CITUS_SIDECAR_ADDRESS: `127.0.0.1:${node.pgPort}`, CITUS_SIDECAR_ALLOW_IP_ADDRESS: 'true' })
    const { finding } = await until(node, 'waits', (status) => status.finding?.code === 'maintenance')
    assert.match(
      finding?.reason ?? '',
      /^the coordinator has group 2 at localhost:\d+, and nothing is done in maintenance$/,
    )
    await looksAgain(node)
    assert.deepEqual(await state(), before)
    await node.sidecar.restart()
    await node.sidecar.answers('/livez')
  })

  test('ends only when it is switched off, and then the node is ready again', async () => {
    assert.equal(await command(node, 'off', '--json').then((text) => (JSON.parse(text) as { on: boolean }).on), false)
    await joined(node)
    await noted(node, false)
    await node.sidecar.restart()
    await node.sidecar.answers('/livez')
    await joined(node)
    assert.equal(await metric(node), '0')
  })

  test('keeps a new worker out, although its run directory and its PostgreSQL were away meanwhile', async () => {
    fresh.sidecar.start({ CITUS_SIDECAR_REGISTER: 'false' })
    await until(fresh, 'waits', ({ finding }) => finding?.code === 'registration-off')
    await command(fresh, 'on', '--reason', 'new disk')
    await noted(fresh, true)
    await fresh.sidecar.stop()
    await rm(join(fresh.runDir, 'maintenance.json'))
    fresh.sidecar.start()
    await fresh.sidecar.answers('/livez')
    await isOn(fresh)
    await looksAgain(fresh)
    assert.equal((await registered(cluster)).length, 2)
  })

  test('can be switched while PostgreSQL is down, and holds when it is back', async () => {
    await fresh.postgres.stop()
    await until(fresh, 'sees that PostgreSQL is down', ({ ready }) =>
      ready.checks.some(({ name, status }) => name === 'postgres' && status === 'failed'),
    )
    await command(fresh, 'off')
    await command(fresh, 'on', '--reason', 'new disk')
    await isOn(fresh)
    await command(fresh, 'off')
    await fresh.postgres.start()
    await joined(fresh)
    await noted(fresh, false)
    assert.equal((await registered(cluster)).length, 3)
  })

  test('knows only on and off', async () => {
    for (const args of [[], ['maybe'], ['on', 'off']]) {
      const { code, stderr } = await node.command(['maintenance', ...args])
      assert.equal(code, 2)
      assert.match(stderr, /allowed: /)
    }
    await node.sidecar.stop()
    const { code, stderr } = await node.command(['maintenance', 'on'])
    assert.equal(code, 1)
    assert.match(stderr, /^citus-sidecar: NO_SIDECAR: no sidecar answers on .*control\.sock/)
  })
})
