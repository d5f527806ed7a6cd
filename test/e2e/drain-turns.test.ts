// Two nodes that want to leave at the same time: one holds the traffic, the other waits its turn.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained, drainView, inPhase, phasesOf } from '../support/draining.ts'
import { joined, quick } from '../support/joining.ts'

suite('two workers that drain at once', () => {
  let cluster: LocalCluster
  let first: LocalNode
  let second: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 2,
      env: { ...quick, CITUS_SIDECAR_HOLD: 'node', CITUS_SIDECAR_HOLD_MAX: '20s', CITUS_SIDECAR_UNREADY_WAIT: '0ms' },
    })
    const [one, two] = cluster.workers
    assert.ok(one !== undefined && two !== undefined)
    ;[first, second] = [one, two]
  })
  after(async () => await cluster.down())

  const openHolds = async (): Promise<unknown> =>
    await cluster.coordinator.postgres.query('select member from citus_sidecar.holds where released_at is null')

  test('take turns: the second holds only after the first is back', async () => {
    await beginDrain(first)
    assert.deepEqual(phasesOf(await drained(first))['hold'], 'done')
    await beginDrain(second)
    await inPhase(second, 'hold')
    assert.deepEqual(await openHolds(), [{ member: first.name }])
    await first.postgres.restart()
    await joined(first)
    const done = await drained(second)
    assert.equal(phasesOf(done)['hold'], 'done')
    assert.deepEqual(await openHolds(), [{ member: second.name }])
    await second.postgres.restart()
    await joined(second)
    await eventually('nothing is held', async () => ((await openHolds()) as unknown[]).length === 0)
  })

  test('a drain cancelled while it holds gives the traffic back at once', async () => {
    await beginDrain(first)
    await drained(first)
    await cancelDrain(first)
    await eventually('nothing is held', async () => ((await openHolds()) as unknown[]).length === 0)
    await joined(first)
    assert.equal((await drainView(first))?.end?.ok, false)
  })

  test('a hold that its own sidecar cannot release, because it was killed, is released by the next one', async () => {
    await beginDrain(first)
    await drained(first)
    await first.sidecar.kill()
    await first.postgres.restart()
    await first.sidecar.restart()
    await joined(first)
    await eventually('nothing is held', async () => ((await openHolds()) as unknown[]).length === 0)
  })
})
