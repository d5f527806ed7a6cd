// The sidecar of a node that leaves, killed in every phase: the next one goes on with the same drain, and it ends well.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { eventuallyEqual, joined, quick } from '../support/joining.ts'
import { Acknowledged, nothingIsLeft } from '../support/aftermath.ts'
import { drained, drainView } from '../support/draining.ts'
import { StuckCluster, stuckPhases } from '../support/stuck-phases.ts'

suite('a drain whose sidecar is killed', () => {
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
    test(`in ${way.phase} while ${way.because} goes on and ends well`, async () => {
      const { cluster, worker } = stuck
      await rows.write()
      const { id } = await stuck.stop(way)
      await worker.sidecar.kill()
      worker.sidecar.start()
      await eventuallyEqual('it knows its drain', async () => (await drainView(worker).catch(() => null))?.id, id)
      await stuck.lift()
      const done = await drained(worker)
      assert.equal(done.id, id)
      assert.deepEqual(done.end, { ok: true, reason: '' })
      await worker.postgres.restart()
      await nothingIsLeft(cluster, worker, id)
      await rows.areThere()
    })
})
