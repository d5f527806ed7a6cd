// A registration that fails for what passes by itself is tried again with growing pauses, never in a storm, names who
// is in the way, and comes through once nobody is.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, joined, patience, quick, statusOf } from '../support/joining.ts'

suite('a registration that fails for a while', () => {
  let cluster: LocalCluster
  let node: LocalNode

  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
    node = cluster.coordinator
  })
  after(async () => await cluster.down())

  /** When each attempt began, milliseconds since 1970. */
  function attempts(): number[] {
    const begun = node.sidecar.log().filter((line) => line['event'] === 'operation.started')
    return begun.map((line) => Date.parse(String(line['time'])))
  }

  test('is tried again with growing pauses, and says who is in the way', async () => {
    const other = await node.postgres.connect()
    await other.query("set application_name = 'a migration'")
    await other.query('begin')
    await other.query('lock table pg_catalog.pg_dist_node in exclusive mode')
    node.sidecar.start({ ...quick, CITUS_SIDECAR_REGISTRATION_LOCK_TIMEOUT: '100ms' })
    await node.sidecar.answers('/livez')
    await eventually('five attempts', () => attempts().length >= 5, { deadline: patience })
    const [first = 0, , , , fifth = 0] = attempts()
    // Each waits 100 ms for the lock, and then up to 0.5, 1, 2 and 4 s: less than this in all is no chance any more.
    assert.ok(fifth - first >= 800, `five attempts within ${fifth - first} ms`)
    const { finding, ready } = await statusOf(node)
    assert.equal(ready.ok, false)
    assert.equal(finding?.code, 'registration-waits')
    const failure = node.sidecar.log().find((line) => line['event'] === 'operation.failed')
    assert.match(
      String(failure?.['reason']),
      /\[55P03\]; in the way may be: .*a migration \(pid \d+, postgres, idle in transaction\)/,
    )
    await other.query('rollback')
    await other.end()
    await joined(node)
    assert.deepEqual(complaints(node), [])
  })
})
