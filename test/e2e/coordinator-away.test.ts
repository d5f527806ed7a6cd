// Workers without their coordinator: before they have ever met it, and after.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, joined, operations, quick, registered, statusOf, until } from '../support/joining.ts'

/** How long the coordinator is away when its workers start, milliseconds. */
const away = 30_000

suite('workers without their coordinator', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick, sidecars: false })
    await cluster.coordinator.postgres.stop()
  })
  after(async () => await cluster.down())

  test('wait for it as long as it takes and say so, then join within moments', async () => {
    const since = Date.now()
    for (const { sidecar } of cluster.workers) sidecar.start()
    const page = await eventually(
      'half a minute without a coordinator is over',
      async () => {
        const answers = await Promise.all(cluster.workers.map(async ({ sidecar }) => await sidecar.get('/readyz')))
        for (const { status } of answers) assert.equal(status, 503)
        return Date.now() - since > away ? answers[0]?.body : undefined
      },
      { deadline: 2 * away, interval: 500 },
    )
    assert.match(
      page,
      /^\[-\]registered failed: the coordinator cannot be asked \(.*ECONNREFUSED.*\); look whether the coordinator runs and its name resolves; nothing is lost meanwhile$/m,
    )
    for (const { sidecar } of cluster.workers) assert.equal((await sidecar.get('/livez')).status, 200)
    await cluster.coordinator.postgres.start()
    cluster.coordinator.sidecar.start()
    await Promise.all(cluster.nodes.map(async (node) => await joined(node)))
    assert.equal((await registered(cluster)).length, 3)
    assert.equal((await operations(cluster)).length, 3)
  })

  test('say it once, not once a try, and complain about nothing worse', () => {
    for (const worker of cluster.workers) {
      const blind = worker.sidecar.log().filter(({ event }) => event === 'join.blind')
      assert.equal(blind.length, 1)
      assert.deepEqual(complaints(worker), [])
    }
  })

  test('are ready again after a restart of their sidecar, because the notebook knows them', async () => {
    const worker = cluster.node('worker-1')
    const known = (await statusOf(worker)).join.verifiedAt
    await cluster.coordinator.postgres.stop()
    await worker.sidecar.stop()
    worker.sidecar.start()
    const { join, ready } = await until(
      worker,
      'is blind and ready',
      (one) => one.join.finding === 'blind' && one.ready.ok,
    )
    assert.ok(join.verifiedAt !== undefined && known !== undefined && join.verifiedAt <= known)
    const check = ready.checks.find(({ name }) => name === 'registered')
    assert.equal(check?.status, 'warning')
    assert.match(check.reason, /^stale: verified .+ ago, since then the coordinator cannot be asked/)
  })

  test('are not ready any more once the last verification is older than allowed', async () => {
    const worker = cluster.node('worker-1')
    await worker.sidecar.stop()
    worker.sidecar.start({ CITUS_SIDECAR_REGISTRATION_MAX_AGE: '1s' })
    const { ready } = await until(
      worker,
      'is blind and not ready',
      (one) => one.join.finding === 'blind' && !one.ready.ok,
    )
    const check = ready.checks.find(({ name }) => name === 'registered')
    assert.equal(check?.status, 'failed')
    assert.match(check.reason, /, and the last verification is .+ old$/)
    await cluster.coordinator.postgres.start()
    await joined(worker)
  })
})
