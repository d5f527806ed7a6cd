// A node whose address changes, or cannot be reached by the coordinator: one bounded call, blockers named, nothing lost.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import {
  complaints,
  eventuallyEqual,
  joined,
  looksAgain,
  operations,
  patience,
  quick,
  registered,
  until,
} from '../support/joining.ts'

suite('addresses', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    const nowhere = { CITUS_SIDECAR_ADDRESS: 'no-such-host.invalid:5432' }
    cluster = await startCluster({ workers: 2, env: quick, waitReady: false, nodeEnv: { 'worker-2': nowhere } })
    worker = cluster.node('worker-1')
    await Promise.all([joined(cluster.coordinator), joined(worker)])
  })
  after(async () => await cluster.down())

  const restartAt = async (
    node: LocalNode,
    address: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    await node.sidecar.stop()
    node.sidecar.start({ CITUS_SIDECAR_ADDRESS: address, CITUS_SIDECAR_ALLOW_IP_ADDRESS: 'true', ...env })
  }
  const copyOf = async (node: LocalNode, group: number): Promise<unknown> => {
    const [row] = await node.postgres.query('select nodename from pg_dist_node where groupid = $1', [group])
    return row?.['nodename']
  }
  const synced = async (): Promise<unknown> => {
    const [row] = await cluster.coordinator.postgres.query(
      'select bool_and(metadatasynced) as synced from pg_dist_node',
    )
    return row?.['synced']
  }

  test('that the coordinator cannot resolve keep a worker out, with the name in the reason, and it tries again', async () => {
    const lost = cluster.node('worker-2')
    const failures = async (): Promise<number> =>
      (await operations(cluster)).filter((one) => one === 'worker-2 add failed').length
    const { ready } = await until(
      lost,
      'cannot be reached',
      ({ finding }) => finding?.reason.includes('no-such-host.invalid') === true,
    )
    const check = ready.checks.find(({ name }) => name === 'registered')
    assert.match(check?.reason ?? '', /^the coordinator cannot reach no-such-host\.invalid:5432: /)
    assert.equal(check?.action, 'it is tried again by itself')
    const before = await failures()
    await eventually('it tries again', async () => (await failures()) > before, { deadline: patience })
    assert.deepEqual(complaints(lost), [])
    await restartAt(lost, `localhost:${lost.pgPort}`)
    await joined(lost)
    assert.equal((await registered(cluster)).length, 3)
  })

  test('that change are changed once, and the metadata is in sync again', async () => {
    const before = await operations(cluster)
    await restartAt(worker, `127.0.0.1:${worker.pgPort}`)
    await joined(worker)
    await eventuallyEqual('all metadata is in sync again', synced, true)
    await looksAgain(worker)
    assert.deepEqual((await operations(cluster)).slice(before.length), ['worker-1 update-address succeeded'])
    assert.ok((await registered(cluster)).includes(`2 127.0.0.1:${worker.pgPort}`))
    assert.equal(await copyOf(cluster.node('worker-2'), 2), '127.0.0.1')
  })

  test('wait for locks a bounded time, name who is in the way, and change once it has gone', async () => {
    const blocker = await cluster.coordinator.postgres.connect()
    await blocker.query("set application_name = 'a long report'")
    await blocker.query('begin; lock table pg_catalog.pg_dist_node in exclusive mode')
    const before = await operations(cluster)
    await restartAt(worker, `localhost:${worker.pgPort}`, { CITUS_SIDECAR_REGISTRATION_LOCK_TIMEOUT: '300ms' })
    const { finding } = await until(
      worker,
      'names the blocker',
      (status) => status.finding?.reason.includes('a long report') === true,
    )
    assert.equal(finding?.code, 'registration-waits')
    assert.match(
      finding.reason,
      /^canceling statement due to lock timeout \[55P03\]; in the way may be: .*a long report \(pid \d+, postgres, idle in transaction\)/,
    )
    await blocker.query('rollback')
    await blocker.end()
    await joined(worker)
    const done = (await operations(cluster)).slice(before.length)
    assert.equal(done.filter((one) => one === 'worker-1 update-address succeeded').length, 1)
    assert.ok(done.includes('worker-1 update-address failed'))
    assert.ok((await registered(cluster)).includes(`2 localhost:${worker.pgPort}`))
    assert.deepEqual(complaints(worker), [])
  })

  test('of the coordinator itself change, too, and its workers learn of it', async () => {
    const { coordinator } = cluster
    const before = await operations(cluster)
    await restartAt(coordinator, `127.0.0.1:${coordinator.pgPort}`)
    await joined(coordinator)
    await joined(worker)
    await eventuallyEqual("the worker's copy has it", async () => await copyOf(worker, 0), '127.0.0.1')
    assert.deepEqual((await operations(cluster)).slice(before.length), ['coordinator update-address succeeded'])
  })
})
