// A cluster registers by itself once; whatever restarts afterwards, no catalog is written again.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import {
  catalogsOf,
  complaints,
  eventuallyEqual,
  joined,
  looksAgain,
  operations,
  quick,
  registered,
  statusOf,
  until,
} from '../support/joining.ts'

suite('a cluster that restarts', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick })
  })
  after(async () => await cluster.down())

  /** The catalogs of every node, and what sidecars did to them. */
  const state = async (): Promise<unknown> => [
    await operations(cluster),
    ...(await Promise.all(cluster.nodes.map(({ postgres }) => catalogsOf(postgres)))),
  ]
  const allJoined = async (): Promise<void> => {
    await Promise.all(
      cluster.nodes.map(async (node) => {
        await joined(node)
        await looksAgain(node)
      }),
    )
  }

  test('registers by itself, the coordinator first and each worker in the group of its ordinal', async () => {
    const [coordinator, first, second] = cluster.nodes.map(({ pgPort }) => `localhost:${pgPort}`)
    assert.deepEqual(await registered(cluster), [`0 ${coordinator}`, `2 ${first}`, `3 ${second}`])
    const done = await operations(cluster)
    assert.deepEqual(done.filter((one) => one.endsWith('succeeded')).toSorted(), [
      'coordinator set-coordinator-host succeeded',
      'worker-1 add succeeded',
      'worker-2 add succeeded',
    ])
    assert.equal(done[0], 'coordinator set-coordinator-host succeeded')
    await allJoined()
    const { join, readings } = await statusOf(cluster.node('worker-1'))
    assert.equal(join.metadataSynced, true)
    assert.equal(readings['citus.local']?.value?.groupId, 2)
  })

  test('writes nothing when a sidecar starts again', async () => {
    const before = await state()
    const worker = cluster.node('worker-1')
    await worker.sidecar.restart()
    await joined(worker)
    await cluster.coordinator.sidecar.restart()
    await allJoined()
    assert.deepEqual(await state(), before)
  })

  test('keeps its workers ready, marked stale, while the coordinator restarts, and writes nothing', async () => {
    const before = await state()
    const flipsBefore = await Promise.all(cluster.workers.map(async (node) => (await statusOf(node)).flips))
    const { postgres } = cluster.coordinator
    await postgres.stop()
    for (const worker of cluster.workers) {
      await until(worker, 'is blind', ({ join }) => join.finding === 'blind')
      const page = await worker.sidecar.get('/readyz?verbose')
      assert.equal(page.status, 200)
      assert.match(
        page.body,
        /^\[!\]registered warning: stale: verified .* ago, since then the coordinator cannot be asked \(.*\); look whether/m,
      )
    }
    await postgres.start()
    await allJoined()
    const flipsAfter = await Promise.all(cluster.workers.map(async (node) => (await statusOf(node)).flips))
    assert.deepEqual(flipsAfter, flipsBefore)
    assert.deepEqual(await state(), before)
  })

  test('writes nothing when every server and every sidecar starts again', async () => {
    const before = await state()
    await Promise.all(cluster.nodes.map(({ sidecar }) => sidecar.stop()))
    await Promise.all(cluster.nodes.map(({ postgres }) => postgres.stop()))
    // The workers first: they have to wait for what they knew.
    for (const { sidecar } of cluster.workers) sidecar.start()
    await Promise.all(cluster.workers.map(({ postgres }) => postgres.start()))
    await cluster.coordinator.postgres.start()
    cluster.coordinator.sidecar.start()
    await allJoined()
    await eventuallyEqual('the catalogs are as before', state, before)
  })

  test('complains about nothing in all that', () => {
    for (const node of cluster.nodes) assert.deepEqual(complaints(node), [])
  })
})
