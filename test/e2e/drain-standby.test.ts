// A standby's drain: a plan of its own, which says why it leaves out what only a primary needs.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { beginDrain, cancelDrain, drained, phasesOf } from '../support/draining.ts'
import { joined, patience, quick } from '../support/joining.ts'

suite("a standby's drain", () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      standbys: [{ of: 'worker-1' }],
      env: { ...quick, CITUS_SIDECAR_UNREADY_WAIT: '0ms' },
    })
  })
  after(async () => await cluster.down())

  test('leaves out hold, settle and keep, says why, and does not cut replication', async () => {
    const standby = cluster.nodes.find(({ standbyOf }) => standbyOf !== undefined)
    assert.ok(standby)
    const primary = cluster.node('worker-1')
    const senders = async (): Promise<readonly unknown[]> =>
      await primary.postgres.query('select pid from pg_stat_replication order by pid')
    await joined(standby)
    await eventually('the standby streams', async () => (await senders()).length === 1, { deadline: patience })
    const before = await senders()
    await beginDrain(standby)
    const done = await drained(standby)
    const phases = phasesOf(done)
    const skipped = done.phases.filter(({ state }) => state === 'skipped')
    assert.deepEqual(Object.fromEntries(skipped.map(({ name, reason }) => [name, reason])), {
      hold: 'a standby takes no writes',
      settle: 'two-phase commits are settled by the primary',
      keep: 'a standby has no notebook of its own',
    })
    assert.equal(phases['drain'], 'done')
    assert.deepEqual(done.end, { ok: true, reason: '' })
    assert.deepEqual(await senders(), before, 'the same WAL sender goes on')
    assert.equal((await primary.sidecar.get('/readyz')).status, 200, 'its primary stays ready')
    await cancelDrain(standby)
    await joined(standby)
  })
})
