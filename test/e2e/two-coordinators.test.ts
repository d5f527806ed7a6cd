// Two servers that both answer as the coordinator and are not one cluster: neither is believed.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { finds, joined, looksAgain, operations, quick, registered, until } from '../support/joining.ts'

suite('two coordinators', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick, sidecars: false })
    for (const name of ['coordinator', 'worker-1']) cluster.node(name).sidecar.start()
    await Promise.all(['coordinator', 'worker-1'].map(async (name) => await joined(cluster.node(name))))
  })
  after(async () => await cluster.down())

  test('that are different clusters are refused by a worker that knows neither: it does not join', async () => {
    const [worker, { coordinator }] = [cluster.node('worker-2'), cluster]
    // The server of the other worker is a primary, too, and none of this cluster's.
    const rival = cluster.node('worker-1').pgPort
    worker.sidecar.start({ CITUS_SIDECAR_COORDINATOR: `localhost:${coordinator.pgPort},localhost:${rival}` })
    const { join, ready } = await until(worker, 'cannot choose', (status) =>
      status.join.reason.includes('both answer as primary'),
    )
    assert.match(
      join.reason,
      /localhost:\d+ and localhost:\d+ both answer as primary \(system identifiers \d+ and \d+, timelines 1 and 1\); stop the wrong one/,
    )
    assert.equal(ready.ok, false)
    assert.equal((await registered(cluster)).length, 2)
    await worker.sidecar.restart()
    await joined(worker)
  })

  test('do not make a worker unready that was verified, but it follows neither', async () => {
    const [worker, { coordinator }] = [cluster.node('worker-2'), cluster]
    const before = await operations(cluster)
    await worker.sidecar.stop()
    worker.sidecar.start({
      CITUS_SIDECAR_COORDINATOR: `localhost:${coordinator.pgPort},localhost:${cluster.node('worker-1').pgPort}`,
    })
    const { ready } = await until(
      worker,
      'is ready and blind',
      (status) => status.join.finding === 'blind' && status.ready.ok,
    )
    assert.match(
      ready.checks.find(({ name }) => name === 'registered')?.reason ?? '',
      /^stale: .*both answer as primary/,
    )
    await looksAgain(worker)
    assert.deepEqual(await operations(cluster), before)
  })

  test('one of which is a worker of the cluster is none: a worker named as coordinator is refused', async () => {
    const worker = cluster.node('worker-2')
    await worker.sidecar.stop()
    worker.sidecar.start({ CITUS_SIDECAR_COORDINATOR: `localhost:${cluster.node('worker-1').pgPort}` })
    await finds(
      worker,
      'role-mismatch',
      /^the server named as coordinator is a worker of group 2$/,
      /^check CITUS_SIDECAR_ROLE/,
    )
  })
})
