// A coordinator that comes back empty: its workers keep what they know and never register with it by themselves, because
// that would replace their metadata by its emptiness.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { emptyVolume } from '../../deploy/local/volume.ts'
import { catalogsOf, finds, joined, looksAgain, operations, quick, registered, statusOf } from '../support/joining.ts'
import { makeTables, placementsOf } from '../support/tables.ts'
import { prepareNode } from '../support/volumes.ts'

suite('a coordinator that comes back empty', () => {
  let cluster: LocalCluster
  let first: LocalNode
  let second: LocalNode
  let known: unknown
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick })
    first = cluster.node('worker-1')
    second = cluster.node('worker-2')
    await Promise.all(cluster.nodes.map(async (node) => await joined(node)))
    await makeTables(cluster, 32)
    known = await copies()
    const { postgres } = cluster.coordinator
    await emptyVolume(postgres)
    await postgres.start()
    await prepareNode(cluster.coordinator)
    await joined(cluster.coordinator)
  })
  after(async () => await cluster.down())

  /** What the workers know of the cluster. */
  const copies = async (): Promise<unknown> =>
    await Promise.all(
      cluster.workers.map(async ({ postgres }) => ({
        catalogs: await catalogsOf(postgres),
        placements: await placementsOf(postgres),
      })),
    )
  const accept = async (node: LocalNode): Promise<void> => {
    const { code, stderr } = await node.command(['accept', '--yes'])
    assert.equal(code, 0, stderr)
  }

  test('is another one for its workers: they are not ready, and say what registering would cost', async () => {
    for (const worker of cluster.workers)
      await finds(
        worker,
        'coordinator-changed',
        /^this node belongs to the coordinator with system identifier \d+, but \d+ answers$/,
        /registering would replace the metadata here by that of the other coordinator/,
      )
  })

  test('gets none of its workers back, whether their sidecars run on or start again', async () => {
    await first.sidecar.restart()
    for (const worker of cluster.workers) {
      await finds(worker, 'coordinator-changed', /answers$/)
      await looksAgain(worker)
    }
    assert.deepEqual(await registered(cluster), [`0 localhost:${cluster.coordinator.pgPort}`])
    assert.deepEqual(await operations(cluster), ['coordinator set-coordinator-host succeeded'])
  })

  test('costs the workers nothing: every placement and every node is still in their copies', async () => {
    assert.equal(await placementsOf(first.postgres), 32 + 3)
    assert.deepEqual(await copies(), known)
  })

  test('is refused once more for its emptiness, after a person has accepted that it is another one', async () => {
    await accept(first)
    await finds(
      first,
      'coordinator-emptied',
      /^this node's metadata lists 35 shard placements, that of the coordinator none$/,
      /^restore the coordinator; registering would wipe the metadata here/,
    )
    await first.sidecar.restart()
    await finds(first, 'coordinator-emptied', /none$/)
    await looksAgain(first)
    assert.deepEqual(await copies(), known)
  })

  test('gets a worker whose person has accepted that, too, and the others not', async () => {
    await accept(first)
    await joined(first)
    assert.equal(await placementsOf(first.postgres), 0)
    assert.deepEqual((await registered(cluster)).slice(1), [`2 localhost:${first.pgPort}`])
    assert.equal((await statusOf(second)).finding?.code, 'coordinator-changed')
    assert.equal(await placementsOf(second.postgres), 35)
  })
})
