// The optional latency threshold: one slow answer changes nothing, a slow median makes the node unready, and it is ready
// again once the median is below half of the threshold.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { HalfOpenProxy } from '../support/half-open-proxy.ts'
import { complaints, joined, quick, statusOf, until } from '../support/joining.ts'

const name = 'citus-sidecar/verdict'
/** Far above what a busy machine adds to a trivial query, milliseconds. */
const limit = 400

suite('a sidecar whose PostgreSQL is slow', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let proxy: HalfOpenProxy

  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
    node = cluster.coordinator
    proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: node.pgPort })
    const through = { PGHOST: '127.0.0.1', PGPORT: String(proxy.port) }
    node.sidecar.start({ ...quick, ...through, CITUS_SIDECAR_MAX_LATENCY: `${limit}ms` })
    await joined(node)
  })
  after(async () => {
    await proxy[Symbol.asyncDispose]()
    await cluster.down()
  })

  /** When the last answer came, and how slow it was. */
  async function lastAnswer(): Promise<{ at: number; latency: number }> {
    const alive = (await statusOf(node)).readings['postgres.alive']
    return { at: alive?.takenAt ?? 0, latency: alive?.value?.latencyMs ?? 0 }
  }

  test('stays ready over slow answers as long as most are quick, and says the median', async () => {
    // So many that the window is full before slow answers can be most of it, also where a busy machine made one of these slow.
    await until(node, 'most of a window of answers', ({ ready }) =>
      ready.checks.some((check) => check.name === 'latency' && / of the last 1[0-5] answers$/.test(check.reason)),
    )
    proxy.delay(2 * limit, name)
    await until(node, 'two slow answers', ({ readings }) => (readings['postgres.alive']?.value?.latencyMs ?? 0) > limit)
    const { at } = await lastAnswer()
    await until(node, 'another', ({ readings }) => (readings['postgres.alive']?.takenAt ?? 0) > at)
    const { ready } = await statusOf(node)
    assert.equal(ready.ok, true)
    assert.equal(ready.checks.find((check) => check.name === 'latency')?.status, 'ok')
  })

  test('is not ready once the median is above the limit, and says so', async () => {
    const { ready } = await until(node, 'not ready', (status) => !status.ready.ok)
    const failed = ready.checks.filter((check) => check.status === 'failed')
    assert.deepEqual(
      failed.map((check) => check.name),
      ['latency'],
    )
    assert.match(
      failed[0]?.reason ?? '',
      /^median latency \d+\.\d ms of the last 15 answers; allowed 400 ms, ready again below half of it$/,
    )
    const page = await node.sidecar.get('/readyz')
    assert.equal(page.status, 503)
    assert.match(page.body, /^\[-\]latency failed: .*; look at load, locks and the volume$/m)
  })

  test('is ready again once the median is below half of the limit', async () => {
    const { flips } = await statusOf(node)
    proxy.flow()
    const { ready } = await joined(node)
    const said = ready.checks.find((check) => check.name === 'latency')?.reason
    assert.ok(Number(/^median latency (\d+\.\d) ms/.exec(said ?? '')?.[1]) <= limit / 2, said)
    assert.equal((await statusOf(node)).flips.length, flips.length + 1)
    assert.deepEqual(complaints(node), [])
  })
})
