// A node that is being drained is not registered, says why, and is once the drain is cancelled.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained } from '../support/draining.ts'
import { finds, joined, looksAgain, quick, registered } from '../support/joining.ts'

suite('registration while draining', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      env: { ...quick, CITUS_SIDECAR_HOLD: 'none', CITUS_SIDECAR_UNREADY_WAIT: '0ms' },
      sidecars: false,
    })
    worker = cluster.node('worker-1')
  })
  after(async () => await cluster.down())

  test('is off, says why in status and probe, and is on again when the drain is cancelled', async () => {
    worker.sidecar.start()
    await finds(worker, 'coordinator-without-host', /has not set its own host/)
    await beginDrain(worker)
    await drained(worker)
    cluster.coordinator.sidecar.start()
    await joined(cluster.coordinator)
    const before = await registered(cluster)
    await finds(worker, 'draining', /does not have this node, and this node is being drained \(pod-deletion\)/)
    await looksAgain(worker)
    assert.deepEqual(await registered(cluster), before, 'the coordinator still has no worker')
    assert.match(
      (await worker.sidecar.get('/readyz?verbose')).body,
      /\[-\]registered failed: .*being drained .*; wait until the node is back/,
    )
    await cancelDrain(worker)
    await joined(worker)
    assert.equal((await registered(cluster)).length, before.length + 1)
  })
})
