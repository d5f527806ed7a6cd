// citus-sidecar status on a running cluster: the table, JSON, and what it says when the coordinator is away.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'

suite('the status command', () => {
  let cluster: LocalCluster

  before(async () => {
    cluster = await startCluster({ workers: 1 })
  })
  after(async () => await cluster.down())

  test('prints the cluster as a table', async () => {
    const { code, stdout } = await cluster.node('worker-1').command(['status'])
    assert.equal(code, 0)
    assert.match(stdout, /^NODE +ROLE +GROUP +ADDRESS +STATE +READY +LAG +SIDECAR +LAST SEEN\n/)
    assert.match(stdout, /^coordinator +coordinator +0 +localhost:\d+ +active +yes /m)
    assert.match(stdout, /^worker-1 +worker +2 +localhost:\d+ +active +yes /m)
  })

  test('prints the same as JSON', async () => {
    const { code, stdout } = await cluster.coordinator.command(['status', '--json'])
    assert.equal(code, 0)
    const { nodes } = JSON.parse(stdout) as { nodes: readonly { node: string; group: number; ready: boolean }[] }
    assert.deepEqual(
      nodes.map(({ node, group, ready }) => [node, group, ready]),
      [
        ['coordinator', 0, true],
        ['worker-1', 2, true],
      ],
    )
  })

  test('is a usage error beside a standalone server', async () => {
    const { code, stderr } = await cluster.coordinator.command(['status'], {
      CITUS_SIDECAR_ROLE: 'standalone',
      CITUS_SIDECAR_GROUP: '',
    })
    assert.equal(code, 2)
    assert.match(stderr, /role standalone belongs to no cluster/)
  })

  test('fails with the reason while the coordinator is down', async () => {
    await cluster.coordinator.postgres.stop('immediate')
    const { code, stderr } = await cluster.node('worker-1').command(['status'])
    assert.equal(code, 1)
    assert.match(stderr, /CONNECT_FAILED: .*ECONNREFUSED/)
  })
})
