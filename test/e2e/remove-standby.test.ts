// Standbys and removals: a secondary goes alone, or with its primary; neither is registered again by its sidecar.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { finds, joined, quick, registered, until } from '../support/joining.ts'
import { removeFrom } from '../support/removals.ts'

suite('a worker with a standby', () => {
  let cluster: LocalCluster
  let standby: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 2,
      standbys: [{ of: 'worker-2' }],
      env: { ...quick, CITUS_SIDECAR_REGISTER_STANDBY: 'true' },
    })
    standby = cluster.node('worker-2-standby')
    for (const node of cluster.nodes) await joined(node)
    await until(standby, 'is registered', ({ readings }) => readings['citus.nodes']?.value?.nodes.length === 4)
  })
  after(async () => await cluster.down())

  const addresses = async (): Promise<readonly string[]> =>
    (await registered(cluster)).map((text) => text.split(' ')[0] ?? '')

  test('loses the standby alone where that is what is asked for', async () => {
    const { code, stdout, stderr } = await removeFrom(cluster.coordinator, 'worker-2-standby')
    assert.deepEqual([code, stderr], [0, ''], stdout)
    assert.deepEqual(await addresses(), ['0', '2', '3'])
    await finds(standby, 'removed', /this standby was registered/)
    await standby.command(['accept', '--yes'])
    await until(standby, 'is registered again', ({ readings }) => readings['citus.nodes']?.value?.nodes.length === 4)
  })

  test('takes it along', async () => {
    const plan = await removeFrom(cluster.coordinator, 'worker-2', '--plan')
    assert.match(
      plan.stdout,
      new RegExp(`^warning: its secondary localhost:${standby.pgPort} is removed with it$`, 'm'),
    )
    const { code, stdout, stderr } = await removeFrom(cluster.coordinator, 'worker-2')
    assert.deepEqual([code, stderr], [0, ''], stdout)
    assert.deepEqual(await addresses(), ['0', '2'])
    await finds(cluster.node('worker-2'), 'removed', /this node was registered/)
    await finds(standby, 'removed', /this standby was registered/)
  })
})
