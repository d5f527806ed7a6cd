// A drain that is broken off in each of its phases: by a person who wants the node back, or because PostgreSQL dies.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { joined, quick } from '../support/joining.ts'
import { Acknowledged, nothingIsLeft } from '../support/aftermath.ts'
import { cancelDrain, drained, drainView } from '../support/draining.ts'
import { StuckCluster, stuckPhases } from '../support/stuck-phases.ts'

suite('a drain that is broken off', () => {
  let stuck: StuckCluster
  let rows: Acknowledged
  before(async () => {
    stuck = await StuckCluster.start({
      env: {
        ...quick,
        CITUS_SIDECAR_HOLD: 'node',
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '1h',
        CITUS_SIDECAR_LOCK_TIMEOUT: '1m',
      },
    })
    await joined(stuck.worker)
    rows = await Acknowledged.make(stuck.cluster)
  })
  afterEach(async () => await stuck.restore())
  after(async () => await stuck[Symbol.asyncDispose]())

  for (const way of stuckPhases)
    test(`by a person in ${way.phase} while ${way.because} leaves a node that serves, before anything else ends`, async () => {
      const { cluster, worker } = stuck
      await rows.write()
      const { id } = await stuck.stop(way)
      await cancelDrain(worker)
      assert.deepEqual((await drainView(worker))?.end, { ok: false, reason: 'cancelled by a person' })
      await joined(worker)
      await stuck.lift()
      await nothingIsLeft(cluster, worker, id)
      await rows.areThere()
    })

  for (const way of stuckPhases)
    test(`by the death of PostgreSQL in ${way.phase} while ${way.because} is over when it is back`, async () => {
      const { cluster, worker } = stuck
      await rows.write()
      const { id } = await stuck.stop(way)
      await worker.postgres.kill()
      const { end } = await drained(worker)
      assert.equal(end?.ok, false)
      assert.match(end.reason, new RegExp(`^${way.phase}: .`))
      await worker.postgres.start()
      await stuck.lift()
      await nothingIsLeft(cluster, worker, id)
      await rows.areThere()
    })
})
