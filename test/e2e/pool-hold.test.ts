// A real PgBouncer holds clients while a hold stands in the ledger: nobody fails, nobody waits for longer than it stands.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import { releaseHold } from '../../agent/hold/hold-ledger.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { quick } from '../support/joining.ts'
import {
  answered,
  inConsole,
  isPaused,
  ledgerOf,
  openPoolHold,
  patience,
  release,
  untilPaused,
  withoutPgBouncer,
} from '../support/pool-holds.ts'
import { connectThrough, PooledClients } from '../support/pooled-clients.ts'

suite('a pool hold', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 0, poolers: 2, env: quick })
  })
  after(async () => await cluster.down())
  // What one test leaves open would refuse the next its hold.
  afterEach(async () => {
    const open = await ledgerOf(cluster).query<{ id: string }>(
      'select id from citus_sidecar.holds where released_at is null',
    )
    for (const { id } of open) await releaseHold(ledgerOf(cluster), id, 'the test is over')
    for (const pooler of cluster.poolers) await untilPaused(cluster, pooler, false)
  })

  const leaseOf = (name: string): string => join(cluster.pooler(name).runDir, 'pool-lease.json')

  async function goesOn(clients: PooledClients): Promise<void> {
    const before = clients.done
    await eventually('clients go on', () => clients.done > before + 20, { deadline: patience })
  }

  test('lets clients wait until it is released, fails none, and every pooler is ready meanwhile', async () => {
    const [first, second] = [cluster.pooler('pooler-1'), cluster.pooler('pooler-2')]
    await using one = await PooledClients.start(cluster, first)
    await using two = await PooledClients.start(cluster, second)
    await goesOn(one)
    const id = await openPoolHold(cluster)
    for (const pooler of cluster.poolers) await answered(cluster, id, pooler, 'held')
    const before = [one.done, two.done]
    for (const pooler of cluster.poolers) {
      assert.equal(await isPaused(cluster, pooler), true)
      assert.ok(existsSync(leaseOf(pooler.name)))
      assert.equal((await pooler.sidecar.get('/readyz')).status, 200)
    }
    assert.deepEqual([one.done, two.done], before)
    await release(cluster, id)
    for (const pooler of cluster.poolers) {
      assert.equal(await answered(cluster, id, pooler, 'released'), 'released')
      assert.equal(await isPaused(cluster, pooler), false)
      assert.ok(!existsSync(leaseOf(pooler.name)))
    }
    await goesOn(one)
    await goesOn(two)
    assert.deepEqual([...one.failures, ...two.failures], [])
  })

  test('that nobody releases ends with its lease', async () => {
    const pooler = cluster.pooler('pooler-1')
    await using clients = await PooledClients.start(cluster, pooler)
    const id = await openPoolHold(cluster, 3)
    await answered(cluster, id, pooler, 'held')
    await answered(cluster, id, pooler, 'released')
    assert.equal(await isPaused(cluster, pooler), false)
    await goesOn(clients)
    assert.deepEqual(clients.failures, [])
  })

  test('behind a transaction that does not end stalls the others for one try at a time, and fails with its lease', async () => {
    const pooler = cluster.pooler('pooler-1')
    const long = await connectThrough(cluster, pooler)
    await long.query('begin')
    await long.query('select 1')
    await using clients = await PooledClients.start(cluster, pooler)
    const id = await openPoolHold(cluster, 8)
    await eventually(
      'more than one try',
      () => pooler.sidecar.log().filter(({ event, hold }) => event === 'hold.busy' && hold === id).length > 1,
      { deadline: patience },
    )
    await goesOn(clients)
    assert.match(await answered(cluster, id, pooler, 'failed'), /transactions did not end/)
    assert.equal(await isPaused(cluster, pooler), false)
    // Far below the lease: the tries are bounded, whatever the machine adds to one.
    assert.ok(clients.longest < 6_000, `${clients.longest} ms`)
    await long.query('commit')
    await long.end()
    assert.deepEqual(clients.failures, [])
  })

  test('outlives a coordinator that restarts: clients wait, and none fails', async () => {
    const pooler = cluster.pooler('pooler-1')
    await using clients = await PooledClients.start(cluster, pooler)
    const id = await openPoolHold(cluster)
    for (const one of cluster.poolers) await answered(cluster, id, one, 'held')
    await cluster.coordinator.postgres.restart()
    assert.equal(await isPaused(cluster, pooler), true)
    await release(cluster, id)
    for (const one of cluster.poolers) await answered(cluster, id, one, 'released')
    await goesOn(clients)
    assert.deepEqual(clients.failures, [])
  })

  test('is held by one pooler while the other is frozen, which resumes late but by itself', async () => {
    const [awake, frozen] = [cluster.pooler('pooler-1'), cluster.pooler('pooler-2')]
    const id = await openPoolHold(cluster, 30)
    for (const one of cluster.poolers) await answered(cluster, id, one, 'held')
    frozen.sidecar.freeze()
    await release(cluster, id)
    await answered(cluster, id, awake, 'released')
    assert.equal(await isPaused(cluster, frozen), true)
    frozen.sidecar.thaw()
    await answered(cluster, id, frozen, 'released')
    assert.equal(await isPaused(cluster, frozen), false)
  })

  test('does not wait for a PgBouncer that is frozen: the other one holds', async () => {
    const [awake, frozen] = [cluster.pooler('pooler-1'), cluster.pooler('pooler-2')]
    frozen.pgbouncer.freeze()
    const id = await openPoolHold(cluster, 30)
    await answered(cluster, id, awake, 'held')
    await release(cluster, id)
    await answered(cluster, id, awake, 'released')
    frozen.pgbouncer.thaw()
    await untilPaused(cluster, frozen, false)
    await frozen.sidecar.answers('/readyz', patience)
  })

  test('is taken again by a PgBouncer that was restarted under it', async () => {
    const pooler = cluster.pooler('pooler-1')
    const id = await openPoolHold(cluster, 30)
    await answered(cluster, id, pooler, 'held')
    await pooler.pgbouncer.kill()
    await pooler.pgbouncer.start()
    await untilPaused(cluster, pooler, true)
    await release(cluster, id)
    await untilPaused(cluster, pooler, false)
  })

  test('is over when the sidecar is told to end', async () => {
    const pooler = cluster.pooler('pooler-1')
    const id = await openPoolHold(cluster, 30)
    await answered(cluster, id, pooler, 'held')
    await pooler.sidecar.stop()
    assert.equal(await isPaused(cluster, pooler), false)
    assert.ok(!existsSync(leaseOf(pooler.name)))
    assert.equal(await answered(cluster, id, pooler, 'released'), 'the sidecar ends')
    pooler.sidecar.start()
    await pooler.sidecar.answers('/readyz', patience)
  })
})

suite('a pause that cuts a login to the server', { skip: withoutPgBouncer }, () => {
  test('makes no client wait for server_login_retry, and leaves that as it was', async () => {
    // A pool that logs in for every transaction: PAUSE always meets a login.
    const poolerSettings = { server_login_retry: '120', server_lifetime: '0' }
    await using cluster = await startCluster({ workers: 0, poolers: 1, env: quick, poolerSettings })
    const pooler = cluster.pooler('pooler-1')
    await using clients = await PooledClients.start(cluster, pooler, 8)
    for (let round = 0; round < 3; round += 1) {
      const id = await openPoolHold(cluster)
      await answered(cluster, id, pooler, 'held')
      await release(cluster, id)
      await answered(cluster, id, pooler, 'released')
      const before = clients.done
      // A quarter of server_login_retry.
      await eventually('clients go on', () => clients.done > before + 5, { deadline: patience })
    }
    const config = await inConsole<{ key: string; value: string }>(cluster, pooler, 'SHOW CONFIG')
    assert.equal(config.find(({ key }) => key === 'server_login_retry')?.value, '120')
    assert.deepEqual(clients.failures, [])
  })
})
