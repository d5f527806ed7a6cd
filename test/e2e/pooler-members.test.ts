// Poolers as members of the ledger: on its list while they can hold, off it once their sidecars end, and shown for what they are.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import type { ClusterStatus, NodeLine } from '../../agent/cluster/cluster-status.ts'
import { livePoolers } from '../../agent/hold/hold-ledger.ts'
import { runAgentCommand } from '../../deploy/local/agent-command.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained } from '../support/draining.ts'
import { quick } from '../support/joining.ts'
import {
  answered,
  inConsole,
  ledgerOf,
  openPoolHold,
  patience,
  release,
  untilPaused,
  withoutPgBouncer,
} from '../support/pool-holds.ts'

suite('the poolers of a cluster', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  before(async () => {
    const env = { ...quick, CITUS_SIDECAR_POOLER_FORGOTTEN_AFTER: '5s' }
    cluster = await startCluster({ workers: 0, poolers: 2, env })
  })
  after(async () => await cluster.down())
  afterEach(async () => {
    for (const pooler of cluster.poolers) {
      pooler.pgbouncer.thaw()
      if (pooler.sidecar.pid === undefined) pooler.sidecar.start()
      await pooler.sidecar.answers('/readyz', patience)
      await untilPaused(cluster, pooler, false)
    }
    await eventually('both are on the list', async () => (await listed()).length === 2, { deadline: patience })
  })

  /** Poolers that a hold would wait for, were they silent for less than an hour. */
  const listed = async (silence = 3_600_000): Promise<readonly string[]> =>
    await livePoolers(ledgerOf(cluster), silence)

  const status = async (env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<string> => {
    const { code, stdout, stderr } = await runAgentCommand(cluster.record.agent, ['status', ...args], env)
    assert.deepEqual([code, stderr], [0, ''])
    return stdout
  }
  const lines = async (env: Readonly<Record<string, string>>): Promise<readonly NodeLine[]> =>
    (JSON.parse(await status(env, ['--json'])) as ClusterStatus).nodes

  test('are shown as poolers, by themselves and by the coordinator: how they pool, and what they hold', async () => {
    const pooler = cluster.pooler('pooler-1')
    for (const { env } of [pooler, cluster.coordinator]) {
      const text = await status(env)
      assert.match(text, /^pooler-1 +pooler +- +localhost:\d+ +serving +yes +- +\d\S+ +\d+ \w+ ago$/m)
      assert.match(text, /^pooler-2: holds app; pools by transaction; query_wait_timeout 2 min$/m)
      assert.doesNotMatch(text, /unregistered/)
    }
    const id = await openPoolHold(cluster)
    for (const one of cluster.poolers) await answered(cluster, id, one, 'held')
    const held = await eventually(
      'it is shown as paused',
      async () => (await lines(pooler.env)).find(({ node, state }) => node === 'pooler-1' && state === 'paused'),
      { deadline: patience },
    )
    assert.deepEqual(
      [held.role, held.group, held.pooler?.hold?.id, held.pooler?.poolModes, held.pooler?.queryWaitTimeout],
      ['pooler', null, id, ['transaction'], 120_000],
    )
    assert.match(await status(cluster.coordinator.env), new RegExp(`paused for hold ${id}, at most until \\d{4}-`))
    await release(cluster, id)
    await eventually(
      'it serves again',
      async () => (await lines(cluster.coordinator.env)).filter(({ state }) => state === 'serving').length === 2,
      { deadline: patience },
    )
  })

  test('leave the list when their sidecars end, so that the next drain does not wait for them', async () => {
    const { sidecar } = cluster.pooler('pooler-2')
    assert.equal(await sidecar.stop(), 0)
    assert.deepEqual(await listed(), ['pooler-1'])
    await beginDrain(cluster.coordinator)
    const { phases } = await drained(cluster.coordinator)
    const hold = phases.find(({ name }) => name === 'hold')
    assert.deepEqual([hold?.state, hold?.reason], ['done', 'held by pool pooler-1'])
    await cancelDrain(cluster.coordinator)
    for (const one of cluster.poolers) await untilPaused(cluster, one, false)
  })

  test('that were killed stay on it until they have been silent for long enough', async () => {
    const { sidecar } = cluster.pooler('pooler-2')
    await sidecar.kill()
    assert.deepEqual(await listed(), ['pooler-1', 'pooler-2'])
    await eventually('it is forgotten', async () => (await listed(5_000)).join() === 'pooler-1', { deadline: patience })
    const line = await eventually(
      'it is shown as lost',
      async () =>
        (await lines(cluster.coordinator.env)).find(({ node, state }) => node === 'pooler-2' && state === 'lost'),
      { deadline: patience },
    )
    assert.equal(line.ready, null)
  })

  test('do not leave while their clients may still wait: a lease stays, and the next sidecar lets them go', async () => {
    const pooler = cluster.pooler('pooler-2')
    const lease = join(pooler.runDir, 'pool-lease.json')
    const id = await openPoolHold(cluster)
    for (const one of cluster.poolers) await answered(cluster, id, one, 'held')
    pooler.pgbouncer.freeze()
    await pooler.sidecar.stop()
    assert.ok(existsSync(lease))
    assert.deepEqual(await listed(), ['pooler-1', 'pooler-2'])
    await release(cluster, id)
    pooler.pgbouncer.thaw()
    pooler.sidecar.start()
    await untilPaused(cluster, pooler, false)
    await eventually('the lease is gone', () => !existsSync(lease), { deadline: patience })
  })

  test('are taken off the list neither for others nor while they say they hold', async () => {
    const leave = async (name: string): Promise<void> => {
      await ledgerOf(cluster).query('select citus_sidecar.leave_pooler($1)', [name])
    }
    const id = await openPoolHold(cluster)
    for (const one of cluster.poolers) await answered(cluster, id, one, 'held')
    for (const name of ['coordinator', 'pooler-1']) await leave(name)
    const rows = await ledgerOf(cluster).query('select from citus_sidecar.members')
    assert.equal(rows.length, 3)
    await release(cluster, id)
    for (const one of cluster.poolers) await answered(cluster, id, one, 'released')
  })

  test('believe addresses for a second only while their sidecar runs, and get their settings back from it or the next', async () => {
    const pooler = cluster.pooler('pooler-2')
    const ttl = async (): Promise<string | undefined> =>
      (await inConsole<{ key: string; value: string }>(cluster, pooler, 'SHOW CONFIG')).find(
        ({ key }) => key === 'dns_max_ttl',
      )?.value
    const until = async (wanted: string): Promise<boolean> =>
      await eventually(`dns_max_ttl is ${wanted}`, async () => Number(await ttl()) === Number(wanted), {
        deadline: patience,
      })
    await inConsole(cluster, pooler, "SET dns_max_ttl = '15'")
    await until('1')
    await pooler.sidecar.kill()
    pooler.sidecar.start()
    await pooler.sidecar.answers('/readyz', patience)
    assert.equal(Number(await ttl()), 1)
    await pooler.sidecar.stop()
    await until('15')
    await inConsole(cluster, pooler, "SET dns_max_ttl = '1'")
  })
})
