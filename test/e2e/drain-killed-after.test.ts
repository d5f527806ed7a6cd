// The sidecar of a node that leaves, killed when its drain has ended: while PostgreSQL is about to stop, is down or is back.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { Acknowledged, nothingIsLeft } from '../support/aftermath.ts'
import { beginDrain, drained, drainView, drainWhole, inPhase, unhurried } from '../support/draining.ts'
import { eventuallyEqual, joined, patience } from '../support/joining.ts'

const run = promisify(execFile)

suite('a sidecar that is killed', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  let rows: Acknowledged
  before(async () => {
    cluster = await startCluster({ workers: 1, env: unhurried })
    worker = cluster.node('worker-1')
    await joined(worker)
    rows = await Acknowledged.make(cluster)
  })
  after(async () => await cluster.down())

  const drainWorker = async (): Promise<string> => {
    await joined(worker)
    await rows.write()
    return await drainWhole(worker)
  }
  const entered = async (state: string, id: string): Promise<void> => {
    const isThere = (): boolean =>
      worker.sidecar
        .log()
        .some(({ event, phase, operation }) => event === 'drain.phase' && phase === state && operation === id)
    await eventually(`the drain is ${state}`, isThere, { deadline: patience })
  }

  test('once PostgreSQL may be stopped is over when that is back', async () => {
    const id = await drainWorker()
    await worker.sidecar.kill()
    worker.sidecar.start()
    await eventuallyEqual('it knows its drain', async () => (await drainView(worker).catch(() => null))?.id, id)
    assert.deepEqual((await drained(worker)).end, { ok: true, reason: '' })
    await worker.postgres.restart()
    await nothingIsLeft(cluster, worker, id)
    await rows.areThere()
  })

  for (const [what, startFirst] of [
    ['before it is back', false],
    ['and comes later than PostgreSQL', true],
  ] as const)
    test(`while PostgreSQL is down, ${what}, is over when both are back`, async () => {
      const id = await drainWorker()
      await worker.postgres.stop()
      await entered('down', id)
      await worker.sidecar.kill()
      if (startFirst) await worker.postgres.start()
      worker.sidecar.start()
      if (!startFirst) {
        await worker.sidecar.answers('/livez', patience)
        await worker.postgres.start()
      }
      await nothingIsLeft(cluster, worker, id)
      await rows.areThere()
    })

  test('when the node is back and the ledger cannot be told, is told of by the next one', async () => {
    const id = await drainWorker()
    const ledger = await cluster.coordinator.postgres.connect()
    await ledger.query('begin; lock table citus_sidecar.holds, citus_sidecar.operations in access exclusive mode')
    try {
      await worker.postgres.restart()
      await entered('back', id)
      await worker.sidecar.kill()
    } finally {
      await ledger.end()
    }
    worker.sidecar.start()
    await nothingIsLeft(cluster, worker, id)
    await rows.areThere()
  })

  test('before the preStop script is called, whose drain it then joins', async () => {
    await joined(worker)
    const client = await worker.postgres.connect()
    await client.query('begin; select txid_current()')
    const { id } = await beginDrain(worker)
    await inPhase(worker, 'drain')
    await worker.sidecar.kill()
    worker.sidecar.start()
    await eventuallyEqual('it knows its drain', async () => (await drainView(worker).catch(() => null))?.id, id)
    const script = run(join(worker.runDir, 'prestop'))
    await client.query('commit')
    await client.end().catch(() => undefined)
    const { stdout } = await script
    assert.match(stdout, /^citus-sidecar: cause done: .*$/m)
    assert.match(stdout, /citus-sidecar: done, PostgreSQL may be stopped\n$/)
    assert.equal((await drainView(worker))?.id, id)
    await worker.postgres.restart()
    await nothingIsLeft(cluster, worker, id)
    await rows.areThere()
  })
})
