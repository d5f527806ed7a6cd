// The sidecar of a node that leaves, killed in every phase: the next one goes on with the same drain, and it ends well.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { eventuallyEqual } from '../support/joining.ts'
import { nothingIsLeft } from '../support/aftermath.ts'
import { drained, drainView } from '../support/draining.ts'
import { rowsOf } from '../support/soak.ts'
import { StuckCluster, stuckPhases } from '../support/stuck-phases.ts'

/** Before anybody is held, while somebody is, while clients end, and after all of them have. */
const everyday: readonly string[] = ['prepare', 'hold', 'drain', 'keep']

suite('a drain whose sidecar is killed', () => {
  let stuck: StuckCluster
  before(async () => {
    stuck = await StuckCluster.start()
  })
  afterEach(async () => await stuck.restore())
  after(async () => await stuck[Symbol.asyncDispose]())

  for (const way of rowsOf(
    stuckPhases,
    ({ phase }, index) => everyday.includes(phase) && stuckPhases[index - 1]?.phase !== phase,
  ))
    test(`in ${way.phase} while ${way.because} goes on and ends well`, async () => {
      const { cluster, worker } = stuck
      await stuck.rows.write()
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
      await stuck.rows.areThere()
    })
})
