// Sidecars beside servers on which bootstrap has not run: each says so, names the command, and goes on by itself after it.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, finds, joined, quick, until } from '../support/joining.ts'
import { prepareNode } from '../support/volumes.ts'

suite('nodes that are not bootstrapped', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({ workers: 1, env: quick, prepare: 'extension' })
    worker = cluster.node('worker-1')
  })
  after(async () => await cluster.down())

  /** What an administrator who only creates the role would do. */
  const createRole = async (node: LocalNode): Promise<void> => {
    const quiet = `set citus.enable_ddl_propagation = off; set citus.enable_create_role_propagation = off;`
    await node.postgres.query(`${quiet} create role citus_sidecar login password '${cluster.passwords.citus_sidecar}'`)
    await node.postgres.query('grant pg_monitor to citus_sidecar')
  }

  test('without the role: the login is refused, and the command is named', async () => {
    for (const { sidecar } of cluster.nodes) sidecar.start()
    const { ready } = await until(worker, 'is refused', (status) =>
      status.ready.checks.some(({ name, reason }) => name === 'postgres' && reason.includes('refused the login')),
    )
    const check = ready.checks.find(({ name }) => name === 'postgres')
    assert.match(
      check?.reason ?? '',
      /^PostgreSQL refused the login of the sidecar \(role "citus_sidecar" does not exist/,
    )
    assert.match(check?.action ?? '', /or run `citus-sidecar bootstrap`$/)
  })

  test('without the schema: the node is unprepared, and the command is named', async () => {
    await createRole(worker)
    await finds(
      worker,
      'node-unprepared',
      /^the sidecar's schema is missing on this node \(.*\)$/,
      /^run `citus-sidecar bootstrap` on this node$/,
    )
  })

  test('without role and schema on the coordinator: it cannot be asked, then it is unprepared', async () => {
    await prepareNode(worker)
    const { join } = await until(worker, 'cannot ask', (status) => status.join.finding === 'blind')
    assert.match(join.reason, /^the coordinator cannot be asked \(.*"citus_sidecar".* \[28P01\]\)$/)
    await createRole(cluster.coordinator)
    await finds(
      worker,
      'coordinator-unprepared',
      /^the ledger is missing on the coordinator \(.*\)$/,
      /^run `citus-sidecar bootstrap` on the coordinator$/,
    )
  })

  test('after bootstrap everywhere they join by themselves, and nobody complained', async () => {
    await prepareNode(cluster.coordinator)
    await Promise.all(cluster.nodes.map(async (node) => await joined(node)))
    for (const node of cluster.nodes) assert.deepEqual(complaints(node), [])
  })
})
