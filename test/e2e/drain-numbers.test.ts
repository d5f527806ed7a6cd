// What a scrape says of drains, holds and stops, also in a process that began after them: they are news for longer than a pod lives.
import assert from 'node:assert/strict'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained } from '../support/draining.ts'
import { eventuallyEqual, joined, quick } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

suite('numbers of leaving', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      postgresSettings: { archive_mode: 'on', archive_command: 'false' },
      env: {
        ...quick,
        CITUS_SIDECAR_HOLD: 'none',
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '60s',
      },
      sidecars: false,
    })
    worker = cluster.node('worker-1')
    cluster.coordinator.sidecar.start()
    begin()
    await joined(worker)
  })
  after(async () => await cluster.down())

  /** A new process of the worker's sidecar, to which the data directory is visible. */
  function begin(): void {
    worker.sidecar.start({ CITUS_SIDECAR_DATA_DIR: worker.dataDir })
  }

  /** Samples of one metric by series, without its name. */
  async function numbers(name: string): Promise<Readonly<Record<string, number>>> {
    const family = (await metricsOf(worker.sidecar)).get(`citus_sidecar_${name}`)
    return Object.fromEntries([...(family?.samples ?? [])].map(([key, value]) => [key.replace(/^[^{]+/, ''), value]))
  }
  const number = async (name: string): Promise<number | undefined> => (await numbers(name))['']

  test('before any drain say nothing of one', async () => {
    assert.equal(await number('drain_active'), 0)
    assert.equal(await number('grace_period_seconds'), 60)
    assert.equal(await number('last_drain_complete'), undefined)
    assert.equal(await number('last_stop_clean'), undefined)
    assert.equal(await number('unclean_stops_total'), 0)
  })

  test('after a drain that left something undone say which phase', async () => {
    await beginDrain(worker)
    assert.equal((await drained(worker)).end?.ok, false)
    assert.equal(await number('drain_active'), 1)
    assert.ok(((await number('drain_seconds')) ?? 0) > 0)
    assert.deepEqual(await numbers('drains_total'), { '{cause="pod-deletion",outcome="undone"}': 1 })
    assert.equal((await numbers('drain_phases_total'))['{cause="pod-deletion",phase="prepare",outcome="failed"}'], 1)
    assert.equal(await number('last_drain_complete'), 0)
    assert.ok(((await numbers('last_drain_phase_seconds'))['{phase="prepare"}'] ?? 0) > 0)
  })

  test('after the stop that followed say whether it was clean and what is not archived', async () => {
    await worker.postgres.stop()
    await eventuallyEqual('the stop is seen', async () => await number('last_stop_clean'), 1)
    assert.ok(((await number('wal_unarchived_segments')) ?? 0) > 0)
    assert.equal(await number('unclean_stops_total'), 0)
    await worker.postgres.start()
    await joined(worker)
    await eventuallyEqual('the drain is over', async () => await number('drain_active'), 0)
  })

  test('in a new pod are still those of the last drain', async () => {
    const before = [await number('last_drain_seconds'), await number('last_drain_timestamp_seconds')]
    await worker.sidecar.kill()
    await rm(join(worker.runDir, 'drain.json'))
    begin()
    await joined(worker)
    await eventuallyEqual('the last drain is known', async () => await number('last_drain_complete'), 0)
    const now = [await number('last_drain_seconds'), await number('last_drain_timestamp_seconds')]
    for (const [index, value] of now.entries()) assert.ok(Math.abs((value ?? 0) - (before[index] ?? 0)) < 0.01)
    assert.deepEqual(await numbers('drains_total'), {}, 'another process counted it')
  })

  test('of a drain that was cancelled are counted and leave the last one as it was', async () => {
    const before = await number('last_drain_timestamp_seconds')
    await beginDrain(worker)
    await cancelDrain(worker)
    await joined(worker)
    assert.deepEqual(await numbers('drains_total'), { '{cause="pod-deletion",outcome="cancelled"}': 1 })
    assert.equal(await number('last_drain_timestamp_seconds'), before)
  })

  test('of a sidecar that begins before PostgreSQL say how that stopped before', async () => {
    for (const [how, clean] of [
      ['kill', 0],
      ['stop', 1],
    ] as const) {
      await worker.sidecar.kill()
      await worker.postgres[how]()
      const script = join(worker.runDir, 'prestop')
      await rm(script)
      begin()
      // Written right before it looks; its port answers earlier.
      await eventually('it looks how PostgreSQL stopped', async () => (await stat(script)).isFile(), {
        deadline: 60_000,
      })
      await worker.postgres.start()
      await joined(worker)
      await eventuallyEqual(`after ${how}`, async () => await number('last_stop_clean'), clean)
      assert.equal(await number('unclean_stops_total'), 1 - clean)
    }
  })

  test('of a sidecar that begins beside a running PostgreSQL say nothing of a stop', async () => {
    await worker.sidecar.kill()
    begin()
    await joined(worker)
    await cancelDrain(worker)
    assert.equal(await number('last_stop_clean'), undefined)
  })
})
