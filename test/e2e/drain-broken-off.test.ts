// A drain that is broken off in each of its phases: by a person who wants the node back, or because PostgreSQL dies.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { joined } from '../support/joining.ts'
import { nothingIsLeft } from '../support/aftermath.ts'
import { cancelDrain, drained, drainView, drainWhole } from '../support/draining.ts'
import { untilHolds } from '../support/node-holds.ts'
import { rowsOf } from '../support/soak.ts'
import { StuckCluster, stuckPhases } from '../support/stuck-phases.ts'

suite('a drain that is broken off', () => {
  let stuck: StuckCluster
  before(async () => {
    stuck = await StuckCluster.start()
  })
  afterEach(async () => await stuck.restore())
  after(async () => await stuck[Symbol.asyncDispose]())

  // Every day each phase is broken off in one of the two ways, in a soak in both.
  for (const way of rowsOf(stuckPhases, (_, index) => index % 2 === 0))
    test(`by a person in ${way.phase} while ${way.because} leaves a node that serves, before anything else ends`, async () => {
      const { cluster, worker } = stuck
      await stuck.rows.write()
      const { id } = await stuck.stop(way)
      await cancelDrain(worker)
      assert.deepEqual((await drainView(worker))?.end, { ok: false, reason: 'cancelled by a person' })
      await joined(worker)
      await stuck.lift()
      await nothingIsLeft(cluster, worker, id)
      await stuck.rows.areThere()
    })

  for (const way of rowsOf(stuckPhases, (_, index) => index % 2 === 1))
    test(`by the death of PostgreSQL in ${way.phase} while ${way.because} is over when it is back`, async () => {
      const { cluster, worker } = stuck
      await stuck.rows.write()
      const { id } = await stuck.stop(way)
      await worker.postgres.kill()
      const { end } = await drained(worker)
      assert.equal(end?.ok, false)
      assert.match(end.reason, new RegExp(`^${way.phase}: .`))
      await worker.postgres.start()
      await stuck.lift()
      await nothingIsLeft(cluster, worker, id)
      await stuck.rows.areThere()
    })

  const drainWorker = async (): Promise<string> => {
    const { worker } = stuck
    await joined(worker)
    await stuck.rows.write()
    return await drainWhole(worker)
  }

  test('by a person once PostgreSQL may be stopped leaves a node that serves', async () => {
    const id = await drainWorker()
    await cancelDrain(stuck.worker)
    await nothingIsLeft(stuck.cluster, stuck.worker, id)
    await stuck.rows.areThere()
  })

  test('by a person while PostgreSQL is down lets clients go at once', async () => {
    const { cluster, worker } = stuck
    const id = await drainWorker()
    await worker.postgres.stop()
    await cancelDrain(worker)
    await untilHolds([cluster.coordinator], 0)
    await worker.postgres.start()
    await nothingIsLeft(cluster, worker, id)
    await stuck.rows.areThere()
  })

  test('by the death of PostgreSQL once it may be stopped is over when it is back', async () => {
    const { cluster, worker } = stuck
    const id = await drainWorker()
    await worker.postgres.kill()
    await worker.postgres.start()
    await nothingIsLeft(cluster, worker, id)
    await stuck.rows.areThere()
  })
})
