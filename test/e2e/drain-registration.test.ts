// A node that is being drained is not registered, says why, and is once the drain is cancelled.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { beginDrain, cancelDrain, drained } from '../support/draining.ts'
import { finds, joined, looksAgain, patience, quick, registered, until } from '../support/joining.ts'

suite('registration while draining', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      env: { ...quick, CITUS_SIDECAR_HOLD: 'none', CITUS_SIDECAR_UNREADY_WAIT: '0ms' },
      sidecars: false,
    })
    worker = cluster.node('worker-1')
  })
  after(async () => await cluster.down())

  test('is off, says why in status and probe, and is on again when the drain is cancelled', async () => {
    worker.sidecar.start()
    await finds(worker, 'coordinator-without-host', /has not set its own host/)
    await beginDrain(worker)
    await drained(worker)
    cluster.coordinator.sidecar.start()
    await joined(cluster.coordinator)
    const before = await registered(cluster)
    await finds(worker, 'draining', /does not have this node, and this node is being drained \(pod-deletion\)/)
    await looksAgain(worker)
    assert.deepEqual(await registered(cluster), before, 'the coordinator still has no worker')
    assert.match(
      (await worker.sidecar.get('/readyz?verbose')).body,
      /\[-\]registered failed: .*being drained .*; wait until the node is back/,
    )
    await cancelDrain(worker)
    await joined(worker)
    assert.equal((await registered(cluster)).length, before.length + 1)
  })

  test('ends a call that runs when the drain begins, and undoes it', async () => {
    await worker.sidecar.stop()
    const { postgres } = cluster.coordinator
    await postgres.query(`select citus_remove_node('${worker.host}', ${worker.pgPort})`)
    const before = await registered(cluster)
    const other = await postgres.connect()
    try {
      await other.query('begin; lock table pg_catalog.pg_dist_node in exclusive mode')
      // Longer than the test has patience: what ends the call is the drain.
      worker.sidecar.start({ CITUS_SIDECAR_REGISTRATION_LOCK_TIMEOUT: '1m', CITUS_SIDECAR_REGISTRATION_TIMEOUT: '2h' })
      const { code } = await until(worker, 'is refused', ({ finding }) => finding?.code === 'removed').then(
        async () => await worker.command(['accept', '--yes']),
      )
      assert.equal(code, 0)
      const waiting = async (): Promise<number> =>
        (
          await postgres.query(
            `select from pg_stat_activity where application_name = 'citus-sidecar/register' and wait_event_type = 'Lock'`,
          )
        ).length
      await eventually('the call waits for the lock', async () => (await waiting()) === 1, { deadline: patience })
      await beginDrain(worker)
      await eventually('the call has ended', async () => (await waiting()) === 0, { deadline: 30_000 })
      await finds(worker, 'draining', /being drained/)
    } finally {
      await other.query('rollback')
      await other.end()
    }
    await drained(worker)
    await looksAgain(worker)
    assert.deepEqual(await registered(cluster), before, 'nothing of the call is left')
    const ended = worker.sidecar.log().findLast((line) => line['event'] === 'operation.failed')
    assert.match(String(ended?.['reason']), /drained/)
    assert.deepEqual(
      await postgres.query('select kind, outcome from citus_sidecar.operations where id = $1', [ended?.['operation']]),
      [{ kind: 'add', outcome: 'failed' }],
    )
    await cancelDrain(worker)
    await joined(worker)
    assert.equal((await registered(cluster)).length, before.length + 1)
  })
})
