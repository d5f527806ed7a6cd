// A PgBouncer that pools sessions, and a client that keeps its own: PAUSE never returns, so a hold stalls the others for one try at a time,
// a drain goes on without it, and nobody stays paused.
import assert from 'node:assert/strict'
import type { Client } from 'pg'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained } from '../support/draining.ts'
import { quick } from '../support/joining.ts'
import { connectThrough, PooledClients } from '../support/pooled-clients.ts'
import { answered, isPaused, openPoolHold, patience, untilPaused, withoutPgBouncer } from '../support/pool-holds.ts'

suite('a client that keeps its session', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  let pooler: LocalPooler
  let idle: Client
  before(async () => {
    const env = { ...quick, CITUS_SIDECAR_HOLD_MAX: '15s' }
    cluster = await startCluster({ workers: 0, poolers: 1, env, poolerSettings: { pool_mode: 'session' } })
    pooler = cluster.pooler('pooler-1')
  })
  after(async () => await cluster.down())
  beforeEach(async () => {
    idle = await connectThrough(cluster, pooler)
    await idle.query('select 1')
  })
  afterEach(async () => {
    await idle.end().catch(() => undefined)
    await untilPaused(cluster, pooler, false)
  })

  const tries = (id: string): number =>
    pooler.sidecar.log().filter(({ event, hold }) => event === 'hold.busy' && hold === id).length

  test('lets the others wait for one try at a time, and the hold fails with its lease', async () => {
    await using clients = await PooledClients.start(cluster, pooler)
    const id = await openPoolHold(cluster, 8)
    await eventually('more than one try', () => tries(id) > 1, {
      deadline: patience,
      context: () => JSON.stringify(pooler.sidecar.log().slice(-12), undefined, 1),
    })
    const before = clients.done
    await eventually('the others go on', () => clients.done > before + 20, { deadline: patience })
    assert.match(await answered(cluster, id, pooler, 'failed'), /did not end/)
    assert.equal(await isPaused(cluster, pooler), false)
    await clients.stop()
    assert.deepEqual(clients.failures, [])
    // Far below the lease: the tries are bounded, whatever the machine adds to one.
    assert.ok(clients.longest < 6_000, `${clients.longest} ms`)
    assert.equal((await idle.query('select 1')).rowCount, 1)
  })

  test('does not keep a drain from going on, which says so', async () => {
    const { id } = await beginDrain(cluster.coordinator)
    const { phases, end } = await drained(cluster.coordinator)
    const hold = phases.find(({ name }) => name === 'hold')
    assert.deepEqual([hold?.state, hold?.reason], ['failed', 'no answer in time to the hold: pool pooler-1'])
    assert.ok(tries(id) > 1, `${tries(id)} tries`)
    assert.match(JSON.stringify(end), /no answer in time to the hold: pool pooler-1/)
    await cancelDrain(cluster.coordinator)
    await untilPaused(cluster, pooler, false)
    await using clients = await PooledClients.start(cluster, pooler)
    await eventually('new clients are served', () => clients.done > 20, { deadline: patience })
  })

  test('is why the pooler warns of its pool mode', async () => {
    const { status, body } = await pooler.sidecar.get('/readyz?verbose')
    assert.equal(status, 200)
    assert.match(body, /pool-mode .*app is pooled by session/)
  })
})
