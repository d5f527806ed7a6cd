// citus-sidecar status on a running cluster: the table, JSON, --watch, nodes without a sidecar or lost, and what it says
// when the coordinator is away.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, suite, test } from 'node:test'
import type { ClusterStatus, NodeLine } from '../../agent/cluster/cluster-status.ts'
import { agentCommandLine, agentEnvironment } from '../../deploy/local/agent-command.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { looksAgain, patience, quick } from '../support/joining.ts'

const header = 'NODE +ROLE +GROUP +ADDRESS +STATE +READY +LAG +SIDECAR +LAST SEEN'

suite('the status command', () => {
  let cluster: LocalCluster

  before(async () => {
    cluster = await startCluster({
      workers: 2,
      env: quick,
      nodeEnv: { 'worker-2': { CITUS_SIDECAR_REGISTER: 'false' } },
      waitReady: false,
    })
    for (const name of ['coordinator', 'worker-1']) await cluster.node(name).sidecar.answers('/readyz', patience)
    await cluster.node('worker-2').sidecar.answers('/startupz', patience)
    await looksAgain(cluster.node('worker-2'))
  })
  after(async () => await cluster.down())

  /** What it prints, once that is as wanted. */
  const prints = async (wanted: RegExp, args: readonly string[] = []): Promise<string> =>
    await eventually(
      `status prints ${wanted}`,
      async () => {
        const { code, stdout, stderr } = await cluster.node('worker-1').command(['status', ...args])
        assert.deepEqual([code, stderr], [0, ''])
        assert.match(stdout, wanted)
        return stdout
      },
      { deadline: patience },
    )

  test('prints the cluster as a table, with the reason where a node is not ready', async () => {
    const text = await prints(/^worker-2 is not ready: registered: .*CITUS_SIDECAR_REGISTER is off/m)
    assert.match(text, new RegExp(`^${header}\n`))
    assert.match(text, /^coordinator +coordinator +0 +localhost:\d+ +active +yes +- +\d\S+ +\d+ \w+ ago$/m)
    assert.match(text, /^worker-1 +worker +2 +localhost:\d+ +active(, out of sync)? +yes +- /m)
    assert.match(text, /^worker-2 +worker +\S+ +localhost:\d+ +unregistered +no +- /m)
  })

  test('prints the same as JSON', async () => {
    const { nodes, now } = JSON.parse(await prints(/^\{/, ['--json'])) as ClusterStatus
    const byName = nodes.toSorted((a, b) => a.node.localeCompare(b.node))
    const brief = ({ node, role, address, ready }: NodeLine): unknown[] => [node, role, address, ready]
    assert.deepEqual(byName.map(brief), [
      ['coordinator', 'coordinator', `localhost:${cluster.coordinator.pgPort}`, true],
      ['worker-1', 'worker', `localhost:${cluster.node('worker-1').pgPort}`, true],
      ['worker-2', 'worker', `localhost:${cluster.node('worker-2').pgPort}`, false],
    ])
    for (const { lastSeen } of nodes) assert.ok(lastSeen !== null && Math.abs(now - lastSeen) < patience)
    assert.deepEqual(nodes.find(({ node }) => node === 'worker-1')?.group, 2)
  })

  test('prints again and again with --watch, until it is told to end', async () => {
    for (const [args, wanted] of [
      [['--watch'], new RegExp(`^${header}$`, 'gm')],
      [['--watch', '--json'], /^\{"now":.*\}$/gm],
    ] as const) {
      const [program, line] = agentCommandLine(cluster.record.agent, ['status', ...args])
      const watch = spawn(program, line, {
        env: agentEnvironment(cluster.node('worker-1').env),
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const printed = collect(watch)
      try {
        await eventually('it has printed twice', () => (printed().match(wanted)?.length ?? 0) >= 2, {
          deadline: patience,
          context: printed,
        })
        const ended = once(watch, 'close')
        watch.kill('SIGTERM')
        assert.deepEqual(await ended, [0, null], printed())
      } finally {
        watch.kill('SIGKILL')
      }
      assert.ok(!printed().includes('\u001B'))
    }
  })

  test('shows a node that has no sidecar', async () => {
    const { sidecar, pgPort } = cluster.node('worker-2')
    await sidecar.stop()
    await cluster.coordinator.postgres.query(`delete from citus_sidecar.members where name = 'worker-2'`)
    await cluster.coordinator.postgres.query(`select citus_add_node('localhost', $1, 7)`, [pgPort])
    await prints(new RegExp(`^- +worker +7 +localhost:${pgPort} +active, no sidecar +\\? +- +- +-$`, 'm'))
  })

  test('shows a node that has not been heard of for long as lost, and its readiness as unknown', async () => {
    const { sidecar } = cluster.node('worker-1')
    await sidecar.stop()
    await cluster.coordinator.postgres.query(
      `update citus_sidecar.members set last_seen = last_seen - interval '1 hour' where name = 'worker-1'`,
    )
    await prints(/^worker-1 +worker +2 +localhost:\d+ +active(, out of sync)?, lost +\? .* ago$/m)
    const { nodes } = JSON.parse(await prints(/lost/, ['--json'])) as ClusterStatus
    assert.equal(nodes.find(({ node }) => node === 'worker-1')?.ready, null)
  })

  test('is a usage error beside a standalone server', async () => {
    const { code, stdout, stderr } = await cluster.coordinator.command(['status'], {
      CITUS_SIDECAR_ROLE: 'standalone',
      CITUS_SIDECAR_GROUP: '',
    })
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /role standalone belongs to no cluster/)
  })

  test('fails with the reason while the coordinator is down', async () => {
    await cluster.coordinator.postgres.stop('immediate')
    for (const node of cluster.nodes) {
      const { code, stdout, stderr } = await node.command(['status'])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /^citus-sidecar: CONNECT_FAILED: .*(ECONNREFUSED|ENOENT)/)
    }
  })
})

/** Everything that a process has written so far. */
function collect({ stdout, stderr }: ChildProcess): () => string {
  let text = ''
  for (const stream of [stdout, stderr]) stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return () => text
}
