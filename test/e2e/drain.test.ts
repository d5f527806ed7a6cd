// A drain on real servers: what happens to clients, to WAL, to readiness, and what is left when the node is back.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained, drainView, phasesOf } from '../support/draining.ts'
import { eventuallyEqual, joined, quick, statusOf } from '../support/joining.ts'

const clean = {
  cause: 'done',
  prepare: 'done',
  hold: 'done',
  unready: 'done',
  drain: 'done',
  settle: 'done',
  flush: 'done',
  keep: 'done',
}

suite('a drain', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      env: {
        ...quick,
        CITUS_SIDECAR_HOLD: 'pool',
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '60s',
      },
    })
    const [first] = cluster.workers
    assert.ok(first)
    worker = first
  })
  after(async () => await cluster.down())

  test('of an idle node does every phase, keeps clients away, and is over when the node is back', async () => {
    await joined(worker)
    const { id } = await beginDrain(worker)
    const done = await drained(worker)
    assert.equal(done.id, id)
    assert.deepEqual(phasesOf(done), clean)
    assert.deepEqual(done.end, { ok: true, reason: '' })
    assert.match(
      (await worker.sidecar.get('/readyz?verbose')).body,
      /\[-\]drain failed: .*being drained \(pod-deletion\)/,
    )
    await worker.postgres.restart()
    await joined(worker)
    await eventuallyEqual(
      'the ledger has it as done',
      async () =>
        await cluster.coordinator.postgres.query(
          `select kind, phase, outcome from citus_sidecar.operations where id = '${id}'`,
        ),
      [{ kind: 'drain', phase: 'back', outcome: 'succeeded' }],
    )
  })

  test('asked twice is one drain, and cancelled it leaves a ready node', async () => {
    const first = await beginDrain(worker)
    const second = await beginDrain(worker)
    assert.equal(second.id, first.id)
    await cancelDrain(worker)
    assert.deepEqual((await drainView(worker))?.end, { ok: false, reason: 'cancelled by a person' })
    await joined(worker)
  })

  test('ends idle clients at once and lets a running transaction end', async () => {
    const idle = await worker.postgres.connect()
    const gone = new Promise<void>((resolve) => idle.once('end', () => resolve()))
    idle.on('error', () => undefined)
    const busy = await worker.postgres.connect()
    busy.on('error', () => undefined)
    await busy.query('begin')
    await busy.query('create table written_while_draining (n integer)')
    await beginDrain(worker)
    await gone
    assert.equal((await drainView(worker))?.end, undefined, 'the open transaction is waited for')
    await busy.query('commit')
    const done = await drained(worker)
    assert.deepEqual(phasesOf(done), clean)
    const status = await statusOf(worker)
    assert.equal(status.ready.ok, false)
    await worker.postgres.restart()
    await joined(worker)
    assert.deepEqual(await worker.postgres.query('select count(*)::integer as n from written_while_draining'), [
      { n: 0 },
    ])
  })

  test('survives its sidecar: killed in the middle it goes on with the same drain', async () => {
    const busy = await worker.postgres.connect()
    busy.on('error', () => undefined)
    await busy.query('begin')
    const { id } = await beginDrain(worker)
    await eventually('clients are drained', async () =>
      (await drainView(worker))?.phases.some(({ name }) => name === 'drain'),
    )
    await worker.sidecar.kill()
    await worker.sidecar.restart()
    await eventuallyEqual('it knows its drain', async () => (await drainView(worker).catch(() => null))?.id, id)
    await busy.query('commit')
    await busy.end().catch(() => undefined)
    const done = await drained(worker)
    assert.equal(done.id, id)
    assert.equal(done.end?.ok, true, done.end?.reason)
    await cancelDrain(worker)
    await joined(worker)
  })

  test('of the coordinator does the same', async () => {
    const { coordinator } = cluster
    await beginDrain(coordinator)
    const done = await drained(coordinator)
    assert.deepEqual(phasesOf(done), clean)
    await coordinator.postgres.restart()
    await joined(coordinator)
    await joined(worker)
  })
})
