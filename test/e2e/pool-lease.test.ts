// The lease file of a pooler's sidecar that was killed while clients waited: it decides what the next one does first.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import { releaseHold } from '../../agent/hold/hold-ledger.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
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
import { PooledClients } from '../support/pooled-clients.ts'

suite('a sidecar that was killed while clients waited', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  let pooler: LocalPooler
  let lease: string
  before(async () => {
    cluster = await startCluster({ workers: 0, poolers: 1, env: quick })
    pooler = cluster.pooler('pooler-1')
    lease = join(pooler.runDir, 'pool-lease.json')
  })
  after(async () => await cluster.down())
  afterEach(async () => {
    const open = await ledgerOf(cluster).query<{ id: string }>(
      'select id from citus_sidecar.holds where released_at is null',
    )
    for (const { id } of open) await releaseHold(ledgerOf(cluster), id, 'the test is over')
    if (cluster.coordinator.postgres.pid === undefined) await cluster.coordinator.postgres.start()
    if (pooler.sidecar.pid === undefined) pooler.sidecar.start()
    await pooler.sidecar.answers('/readyz', patience)
    await untilPaused(cluster, pooler, false)
  })

  async function killedWhileHolding(seconds = 30): Promise<string> {
    const id = await openPoolHold(cluster, seconds)
    await answered(cluster, id, pooler, 'held')
    await pooler.sidecar.kill()
    assert.equal(await isPaused(cluster, pooler), true)
    return id
  }

  const events = (name: string): number => pooler.sidecar.log().filter(({ event }) => event === name).length

  test('leaves a lease that stands: the next one goes on with it, and releases it', async () => {
    await using clients = await PooledClients.start(cluster, pooler)
    const id = await killedWhileHolding()
    const before = clients.done
    pooler.sidecar.start()
    await pooler.sidecar.answers('/livez', patience)
    await eventually('the lease is taken over', () => events('hold.recovered') === 1, { deadline: patience })
    assert.equal(await isPaused(cluster, pooler), true)
    assert.equal(clients.done, before)
    await release(cluster, id)
    await answered(cluster, id, pooler, 'released')
    await eventually('clients go on', () => clients.done > before + 20, { deadline: patience })
    assert.ok(!existsSync(lease))
    assert.deepEqual(clients.failures, [])
  })

  test('leaves a lease that stands while the coordinator is away: it decides alone, and ends', async () => {
    await using clients = await PooledClients.start(cluster, pooler)
    // Long enough for a sidecar to start on a busy machine: it must see the lease stand, and then end.
    await killedWhileHolding(15)
    await cluster.coordinator.postgres.stop()
    pooler.sidecar.start()
    await untilPaused(cluster, pooler, false)
    await cluster.coordinator.postgres.start()
    // PgBouncer shows it before the sidecar has said it.
    await eventually('the sidecar says why', () =>
      pooler.sidecar.log().some(({ event, reason }) => event === 'hold.resumed' && reason === 'its lease ran out'),
    )
    await clients.stop()
  })

  test('leaves a hold that was released meanwhile: the next one resumes', async () => {
    const id = await killedWhileHolding()
    await release(cluster, id)
    pooler.sidecar.start()
    await answered(cluster, id, pooler, 'released')
    assert.equal(await isPaused(cluster, pooler), false)
  })

  const wrecks: readonly [what: string, wreck: () => Promise<void>][] = [
    [
      'that has ended',
      async () => await writeFile(lease, JSON.stringify({ ...JSON.parse(await readFile(lease, 'utf8')), endsAt: 1 })),
    ],
    [
      'that would never end',
      async () =>
        await writeFile(lease, JSON.stringify({ ...JSON.parse(await readFile(lease, 'utf8')), endsAt: 9e15 })),
    ],
    ['that is garbage', async () => await writeFile(lease, '{"holdId":')],
    [
      'that is a folder',
      async () => {
        await rm(lease)
        await mkdir(lease)
      },
    ],
  ]
  for (const [what, wreck] of wrecks) {
    test(`and whose lease is one ${what}, is followed by one that resumes before it looks at its settings`, async () => {
      const id = await killedWhileHolding()
      await release(cluster, id)
      await wreck()
      pooler.sidecar.start({ CITUS_SIDECAR_HTTP_PORT: 'none' })
      assert.equal(await pooler.sidecar.ended(), 2)
      assert.equal(await isPaused(cluster, pooler), false)
      assert.ok(!existsSync(lease))
    })
  }

  test('leaves a pause of a person alone: without a lease nothing is resumed', async () => {
    await pooler.sidecar.kill()
    await inConsole(cluster, pooler, `PAUSE ${cluster.record.database}`)
    pooler.sidecar.start()
    await pooler.sidecar.answers('/readyz', patience)
    assert.equal(await isPaused(cluster, pooler), true)
    await inConsole(cluster, pooler, `RESUME ${cluster.record.database}`)
  })

  test('and whose PgBouncer does not answer, is followed by one that resumes once it does', async () => {
    const id = await killedWhileHolding()
    await release(cluster, id)
    await writeFile(lease, 'garbage')
    pooler.pgbouncer.freeze()
    const before = events('hold.stuck')
    pooler.sidecar.start()
    await eventually('it has tried', () => events('hold.stuck') > before, { deadline: patience })
    pooler.pgbouncer.thaw()
    await untilPaused(cluster, pooler, false)
    await eventually('the lease is gone', () => !existsSync(lease), { deadline: patience })
  })
})

suite('a PgBouncer whose query_wait_timeout is below the longest hold', { skip: withoutPgBouncer }, () => {
  test('makes its sidecar unready, and it refuses to hold', async () => {
    await using cluster = await startCluster({
      workers: 0,
      poolers: 1,
      env: quick,
      poolerSettings: { query_wait_timeout: '20' },
      waitReady: false,
    })
    const pooler = cluster.pooler('pooler-1')
    await cluster.coordinator.sidecar.answers('/readyz', patience)
    const page = await eventually(
      'it says why',
      async () => {
        const answer = await pooler.sidecar.get('/readyz')
        return answer.status === 503 && answer.body.includes('query_wait_timeout of PgBouncer is 20 s')
          ? answer
          : undefined
      },
      { deadline: patience },
    )
    assert.match(page.body, /\[-\]wait-timeout failed/)
    const id = await openPoolHold(cluster)
    assert.match(await answered(cluster, id, pooler, 'failed'), /query_wait_timeout/)
    assert.equal(await isPaused(cluster, pooler), false)
  })
})
