// Two sidecars for one node, as after a copied manifest: one serves it, the other says so, writes nothing and takes over.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type ReservedPort, reservePort } from '../../deploy/local/free-ports.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { SidecarProcess } from '../../deploy/local/sidecar-process.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { catalogsOf, complaints, finds, joined, looksAgain, operations, quick } from '../support/joining.ts'

suite('two sidecars for one node', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let second: LocalNode
  let port: ReservedPort
  before(async () => {
    cluster = await startCluster({ workers: 1, env: quick })
    node = cluster.node('worker-1')
    await joined(node)
    port = await reservePort()
    const folder = join(cluster.record.ground, 'second')
    const runDir = join(folder, 'run')
    await mkdir(runDir, { recursive: true })
    const controlSocket = join(runDir, 'control.sock')
    const env = {
      ...node.sidecar.spec.env,
      CITUS_SIDECAR_HTTP_PORT: String(port.port),
      CITUS_SIDECAR_RUN_DIR: runDir,
    }
    const sidecar = new SidecarProcess({ ...node.sidecar.spec, folder, controlSocket, httpPort: port.port, env })
    second = { ...node, sidecar }
  })
  after(async () => {
    await second.sidecar.kill()
    await cluster.down()
    port.release()
  })

  const lastSeen = async (): Promise<unknown> =>
    await cluster.coordinator.postgres.query(
      `select last_seen::text from citus_sidecar.members where name = 'worker-1'`,
    )
  const isSecond = async (one: LocalNode): Promise<void> => {
    await finds(
      one,
      'another-sidecar',
      /^another sidecar serves this node$/,
      /^end one of the two sidecars; this one takes over when the other has gone$/,
    )
  }

  test('the second says that another one serves the node, and the first goes on', async () => {
    second.sidecar.start()
    await second.sidecar.answers('/livez')
    await isSecond(second)
    await looksAgain(second)
    await joined(node)
  })

  test('the second writes nothing, even where the first keeps silent', async () => {
    const catalogs = async (): Promise<unknown> => [
      await operations(cluster),
      await catalogsOf(cluster.coordinator.postgres),
    ]
    const before = await catalogs()
    node.sidecar.freeze()
    const seen = await lastSeen()
    await looksAgain(second, 3)
    await isSecond(second)
    assert.deepEqual(await lastSeen(), seen)
    assert.deepEqual(await catalogs(), before)
    node.sidecar.thaw()
    await joined(node)
  })

  test('the second takes over when the first is killed, and is the first from then on', async () => {
    const before = await operations(cluster)
    const seen = await lastSeen()
    await node.sidecar.kill()
    await joined(second)
    await looksAgain(second)
    assert.notDeepEqual(await lastSeen(), seen)
    assert.deepEqual(await operations(cluster), before)
    node.sidecar.start()
    await node.sidecar.answers('/livez')
    await isSecond(node)
    await joined(second)
  })

  test('two in one run directory: the second ends at once and says which directory', async () => {
    const other = await reservePort()
    const { code, stderr } = await node
      .command(['run'], { CITUS_SIDECAR_HTTP_PORT: String(other.port) })
      .finally(() => other.release())
    assert.equal(code, 1)
    assert.match(stderr, /another sidecar answers on .*control\.sock; give each its own CITUS_SIDECAR_RUN_DIR/)
  })

  test('nobody complains', () => {
    assert.deepEqual(complaints(second), [])
  })
})
