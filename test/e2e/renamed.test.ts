// A node that got another name on its own volume: taken for a copy until a person accepts it, which works once nobody
// answers to the old name.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { catalogsOf, finds, joined, looksAgain, operations, quick, until } from '../support/joining.ts'

suite('a node that was renamed', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let known: unknown
  const untouched = async (): Promise<unknown> => [
    await operations(cluster),
    await catalogsOf(cluster.coordinator.postgres),
  ]
  /** Makes the ledger have seen the old name this long ago. */
  const seenAgo = async (ago: string): Promise<void> => {
    await cluster.coordinator.postgres.query(
      `update citus_sidecar.members set last_seen = clock_timestamp() - $1::interval where name = 'worker-1'`,
      [ago],
    )
  }
  before(async () => {
    cluster = await startCluster({ workers: 1, env: quick })
    node = cluster.node('worker-1')
    await joined(node)
    await until(node, 'its metadata is in sync', ({ join }) => join.metadataSynced === true)
    known = await untouched()
    await node.sidecar.stop()
    await seenAgo('0 s')
    node.sidecar.start({ CITUS_SIDECAR_NODE: 'other-1' })
    await node.sidecar.answers('/livez')
  })
  after(async () => await cluster.down())

  test('is taken for a copy, and the way out is said', async () => {
    await finds(
      node,
      'volume-cloned',
      /^this volume is a copy of that of node worker-1, on the same timeline 1$/,
      /if it is that node under a new name, run `citus-sidecar accept` once the old name is lost$/,
    )
  })

  test('is not accepted while the old name is alive', async () => {
    await seenAgo('-1 minute')
    const { code, stderr } = await node.command(['accept', '--yes'])
    assert.match(stderr, /CONTROL_REFUSED: worker-1 has the identity of this volume and is not lost/)
    assert.equal(code, 1)
    await looksAgain(node)
    await finds(node, 'volume-cloned', /^this volume is a copy of that of node worker-1/)
    assert.deepEqual(await untouched(), known)
  })

  test('is the same node under its new name once that is lost and a person accepted', async () => {
    await seenAgo('1 minute')
    const { code, stderr } = await node.command(['accept', '--yes'])
    assert.equal(code, 0, stderr)
    await joined(node)
    await until(node, 'announced', ({ members }) =>
      members.some(({ name, nodeId }) => name === 'other-1' && nodeId !== null),
    )
    const members = await cluster.coordinator.postgres.query('select name from citus_sidecar.members order by name')
    assert.deepEqual(
      members.map(({ name }) => name),
      ['coordinator', 'other-1'],
    )
    assert.deepEqual(await untouched(), known)
  })
})
