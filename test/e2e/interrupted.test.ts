// A registration that is cut off in the middle: no half-made node, no lock that stays, and it is done at the next try.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, eventuallyEqual, joined, operations, patience, quick, registered } from '../support/joining.ts'

suite('a registration that is cut off', () => {
  let cluster: LocalCluster
  let coordinator: PostgresServer
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick, sidecars: false })
    coordinator = cluster.coordinator.postgres
    cluster.coordinator.sidecar.start()
    await joined(cluster.coordinator)
  })
  after(async () => await cluster.down())

  /** Stops every change of the node table on a server until the returned function is called; reading goes on. */
  const block = async (server: PostgresServer): Promise<() => Promise<void>> => {
    const session = await server.connect()
    await session.query('begin; lock table pg_catalog.pg_dist_node in exclusive mode')
    return async () => await session.end()
  }
  const somebodyWaits = async (server: PostgresServer): Promise<void> => {
    await eventually(
      `a call waits for the node table of ${server.name}`,
      async () =>
        (await server.query(`select from pg_locks where not granted and relation = 'pg_dist_node'::regclass`)).length,
      { deadline: patience },
    )
  }
  /** What a call that is over must not leave behind: the turn among sidecars, and transactions prepared anywhere. */
  const leftovers = async (): Promise<unknown[]> => [
    ...(await coordinator.query(
      `select pid from pg_locks where locktype = 'advisory' and classid = 1668510577 and objid = 1`,
    )),
    ...(
      await Promise.all(
        cluster.nodes.map(async ({ postgres }) => await postgres.query('select gid from pg_prepared_xacts')),
      )
    ).flat(),
  ]

  test('by the death of the worker: the coordinator knows nothing of it, until it is back', async () => {
    const worker = cluster.node('worker-1')
    await block(worker.postgres)
    worker.sidecar.start()
    await somebodyWaits(worker.postgres)
    await worker.postgres.kill()
    await eventually('the call has failed', async () => (await operations(cluster)).includes('worker-1 add failed'), {
      deadline: patience,
    })
    assert.equal((await registered(cluster)).length, 1)
    await worker.postgres.start()
    await eventuallyEqual('nothing is left behind', leftovers, [])
    await joined(worker)
    assert.deepEqual((await registered(cluster)).slice(1), [`2 localhost:${worker.pgPort}`])
    assert.equal((await operations(cluster)).filter((one) => one === 'worker-1 add succeeded').length, 1)
  })

  test('by the death of its sidecar: whatever the server made of the call, the next sidecar finds it right', async () => {
    const worker = cluster.node('worker-2')
    const release = await block(coordinator)
    worker.sidecar.start()
    await somebodyWaits(coordinator)
    await worker.sidecar.kill()
    worker.sidecar.start()
    await worker.sidecar.answers('/livez')
    await release()
    await joined(worker)
    assert.deepEqual((await registered(cluster)).slice(2), [`3 localhost:${worker.pgPort}`])
    await eventuallyEqual('nothing is left behind', leftovers, [])
  })

  test('by the death of the coordinator: it is done once it is back', async () => {
    const worker = cluster.node('worker-2')
    const release = await block(coordinator)
    await worker.sidecar.stop()
    worker.sidecar.start({
      CITUS_SIDECAR_ADDRESS: `127.0.0.1:${worker.pgPort}`,
      CITUS_SIDECAR_ALLOW_IP_ADDRESS: 'true',
    })
    await somebodyWaits(coordinator)
    await coordinator.kill()
    await release().catch(() => undefined)
    await coordinator.start()
    await joined(worker)
    assert.deepEqual((await registered(cluster)).slice(2), [`3 127.0.0.1:${worker.pgPort}`])
    await eventuallyEqual('nothing is left behind', leftovers, [])
  })

  test('is complained about by nobody: each time it was tried again', () => {
    for (const node of cluster.nodes) assert.deepEqual(complaints(node), [])
  })
})
