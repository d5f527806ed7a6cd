// What a drain keeps in the run directory, lost or spoiled: a full volume keeps nobody from leaving, and a sidecar that finds no drain
// there brings the node back.
import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { Acknowledged, nothingIsLeft } from '../support/aftermath.ts'
import { beginDrain, cancelDrain, drained, inPhase, unhurried } from '../support/draining.ts'
import { eventuallyEqual, joined, patience } from '../support/joining.ts'
import { fillDisk, mountSmallDisk } from '../support/small-disk.ts'

suite('the run directory of a node that leaves', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  let rows: Acknowledged
  before(async () => {
    cluster = await startCluster({ workers: 1, env: unhurried })
    worker = cluster.node('worker-1')
    await joined(worker)
    rows = await Acknowledged.make(cluster)
  })
  after(async () => await cluster.down())
  afterEach(async () => {
    await eventually('no drain goes on', async () => await cancelDrain(worker).then(() => true), { deadline: patience })
    await joined(worker)
  })

  /** Ends the sidecar while a client keeps its drain in the middle, changes what lies there, and starts the next one. */
  async function killedAnd(spoil: () => Promise<void>): Promise<string> {
    await rows.write()
    const client = await worker.postgres.connect()
    await client.query('begin; select txid_current()')
    const { id } = await beginDrain(worker)
    await inPhase(worker, 'drain')
    await worker.sidecar.kill()
    await spoil()
    worker.sidecar.start()
    await joined(worker)
    await client.query('commit')
    await client.end()
    return id
  }

  const isInterrupted = async (id: string): Promise<void> =>
    await eventuallyEqual(
      'the ledger has what is known',
      async () =>
        await cluster.coordinator.postgres.query(`select outcome from citus_sidecar.operations where id = '${id}'`),
      [{ outcome: 'interrupted' }],
    )

  const record = (): string => join(worker.runDir, 'drain.json')
  const spoilt: readonly (readonly [what: string, spoil: () => Promise<void>])[] = [
    ['is gone', async () => await rm(record())],
    ['is empty', async () => await writeFile(record(), '')],
    ['is garbage', async () => await writeFile(record(), '{"id":')],
    ['is that of a sidecar to come', async () => await writeFile(record(), '{"version":9,"state":"teleport"}')],
    [
      'is a folder',
      async () => {
        await rm(record())
        await mkdir(record())
      },
    ],
  ]
  for (const [what, spoil] of spoilt)
    test(`whose record of the drain ${what}, brings the node back, and nobody is held`, async () => {
      const id = await killedAnd(spoil)
      await nothingIsLeft(cluster, worker, id)
      await isInterrupted(id)
      await rows.areThere()
      await rm(record(), { recursive: true, force: true })
    })

  test('that is full keeps no drain from its end, and one that is killed then is as one without record', async (context) => {
    await worker.sidecar.stop()
    await rm(worker.runDir, { recursive: true })
    const root = process.getuid?.() === 0 ? { uid: 0, gid: 0, name: 'root' } : undefined
    const disk = await mountSmallDisk(worker.runDir, root)
    try {
      if (typeof disk === 'string') {
        await mkdir(worker.runDir)
        return context.skip(disk)
      }
      worker.sidecar.start()
      await joined(worker)
      await fillDisk(join(worker.runDir, 'ballast'))
      await rows.write()
      await beginDrain(worker)
      const { id, end } = await drained(worker)
      assert.deepEqual(end, { ok: true, reason: '' })
      assert.ok(
        worker.sidecar.log().some(({ event, reason }) => event === 'drain.unsaved' && /ENOSPC/.test(String(reason))),
      )
      await worker.postgres.restart()
      await nothingIsLeft(cluster, worker, id)
      await isInterrupted(await killedAnd(async () => await Promise.resolve()))
      await rows.areThere()
    } finally {
      await worker.sidecar.kill()
      if (typeof disk !== 'string') await disk[Symbol.asyncDispose]()
      await mkdir(worker.runDir, { recursive: true })
      worker.sidecar.start()
      await worker.sidecar.answers('/livez', patience)
    }
  })
})
