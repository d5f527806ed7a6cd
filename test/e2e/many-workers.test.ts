// Many workers at once: each waits its turn, none is lost, nobody complains.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { catalogsOf, complaints, eventuallyEqual, joined, operations, registered } from '../support/joining.ts'

const workers = 16

suite('many workers at once', { timeout: 240_000 }, () => {
  let cluster: LocalCluster
  before(async () => {
    // The normal pace: what is quick only because a test looks often is not quick.
    cluster = await startCluster({ workers, sidecars: false })
  })
  after(async () => await cluster.down())

  test('all join, each in its own group, with the same metadata everywhere', async () => {
    for (const { sidecar } of cluster.nodes) sidecar.start()
    await Promise.all(cluster.nodes.map(async (node) => await joined(node, 120_000)))
    assert.deepEqual(
      await registered(cluster),
      cluster.nodes.map(({ pgPort }, index) => `${index === 0 ? 0 : index + 1} localhost:${pgPort}`),
    )
    const nodesOf = async (index: number): Promise<unknown> => {
      const rows = await catalogsOf(cluster.nodes[index]?.postgres ?? assert.fail())
      return rows.filter(({ catalog }) => catalog === 'node').map(({ xmin: _own, ...row }) => row)
    }
    const wanted = await nodesOf(0)
    for (const index of cluster.nodes.keys())
      await eventuallyEqual('all copies are equal', async () => await nodesOf(index), wanted)
  })

  test('each with one call that succeeded, one after the other', async () => {
    const done = await operations(cluster)
    assert.deepEqual(
      done.filter((one) => one.endsWith('add succeeded')).toSorted(),
      cluster.workers.map(({ name }) => `${name} add succeeded`).toSorted(),
    )
    const overlaps = await cluster.coordinator.postgres.query(`
      select a.member, b.member as other from citus_sidecar.operations a join citus_sidecar.operations b
          on a.id < b.id and a.started_at < b.ended_at and b.started_at < a.ended_at
       where a.outcome = 'succeeded' and b.outcome = 'succeeded'`)
    assert.deepEqual(overlaps, [])
  })

  test('and nothing worse than a warning in any log', () => {
    for (const node of cluster.nodes) assert.deepEqual(complaints(node), [])
  })
})
