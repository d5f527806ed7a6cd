// A drain that meets something that does not end, in each of its phases: it ends in time all the same, and says what it left.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import { nothingIsLeft } from '../support/aftermath.ts'
import { drained, phasesOf } from '../support/draining.ts'
import { StuckCluster, stuckPhases } from '../support/stuck-phases.ts'

/** The grace period less the reserve, milliseconds; and how late a busy machine may be: what is met lasts a minute at least, or for ever. */
const lasts = 4_000
const slack = 20_000

/** What the phase comes to, in the order of the ways. */
const left: readonly RegExp[] = [
  // Not knowing why is no fault of the drain.
  /^done$/,
  /^failed: the checkpoint did not end in time; no time was left for archiving; no time was left for a look at shard moves$/,
  /^failed: \d+ WAL segments up to \w{24} were not archived in time$/,
  /^failed: no hold was granted in time: member coordinator holds the traffic until .*\[55006\]$/,
  /^failed: no answer in time to the hold: node$/,
  /^failed: load balancers had \d+ of 60000 ms to see it$/,
  /^failed: 1 transactions did not end in time and were cut: stubborn of postgres \(pid \d+\)$/,
  /^failed: two-phase commits stay prepared until their initiator finishes them: citus_99_1_1_1$/,
  /^failed: synchronous standbys have not flushed [\dA-F/]+: frozen$/,
  /^failed: not in citus_sidecar.last_stop of this node: the state was not kept in time$/,
]

suite('a drain that meets something that does not end', () => {
  let stuck: StuckCluster
  before(async () => {
    stuck = await StuckCluster.start({ CITUS_SIDECAR_GRACE_PERIOD: '5s', CITUS_SIDECAR_STOP_RESERVE: '1s' })
  })
  afterEach(async () => await stuck.restore())
  after(async () => await stuck[Symbol.asyncDispose]())

  for (const [index, way] of stuckPhases.entries())
    test(`in ${way.phase} because ${way.because} ends in time and says what it left`, async () => {
      const { cluster, worker } = stuck
      await stuck.rows.write()
      const { id } = await stuck.stop(way)
      const done = await drained(worker)
      const found = phasesOf(done)[way.phase] ?? 'nothing'
      assert.match(found, left[index] ?? /nothing is expected/)
      if (found !== 'done') {
        assert.equal(done.end?.ok, false)
        assert.ok(done.end.reason.includes(`${way.phase}: ${found.replace('failed: ', '')}`), done.end.reason)
      }
      const kept = JSON.parse(await readFile(join(worker.runDir, 'drain.json'), 'utf8')) as {
        readonly startedAt: number
        readonly phases: readonly { readonly began: number; readonly tookMs: number }[]
      }
      const last = kept.phases.at(-1)
      assert.ok(last)
      const took = last.began + last.tookMs - kept.startedAt
      assert.ok(took < lasts + slack, `${took} ms`)
      await stuck.lift()
      await worker.postgres.restart()
      await nothingIsLeft(cluster, worker, id)
      await stuck.rows.areThere()
    })
})
