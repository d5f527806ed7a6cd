// A node leaves while a holder is dead or frozen, or the coordinator dies under the hold: the drain goes on in time and says so, clients of the
// others fail nothing, and in the end nobody is held.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { readHold } from '../../agent/hold/hold-ledger.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { nothingIsLeft } from '../support/aftermath.ts'
import { beginDrain, drained, inPhase, phasesOf } from '../support/draining.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { keysOn, makeWritten } from '../support/node-holds.ts'
import { PooledClients } from '../support/pooled-clients.ts'
import { isPaused, ledgerOf, withoutPgBouncer } from '../support/pool-holds.ts'

suite('a node that leaves', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  let worker: LocalNode
  let good: LocalPooler
  let bad: LocalPooler
  let write: string
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      poolers: 2,
      env: { ...quick, CITUS_SIDECAR_UNREADY_WAIT: '0ms', CITUS_SIDECAR_GRACE_PERIOD: '1h' },
    })
    ;[good, bad] = [cluster.pooler('pooler-1'), cluster.pooler('pooler-2')]
    worker = cluster.node('worker-1')
    await joined(worker)
    await makeWritten(cluster)
    const [key] = await keysOn(cluster, worker)
    write = `insert into written values (${key})`
  })
  after(async () => await cluster.down())

  const rows = async (): Promise<number> => {
    const [row] = await cluster.coordinator.postgres.query<{ rows: number }>(
      'select count(*)::int as rows from written',
    )
    return row?.rows ?? 0
  }
  const allReady = async (): Promise<void> => {
    for (const { sidecar } of [...cluster.nodes, ...cluster.poolers]) await sidecar.answers('/readyz', patience)
  }
  const goOn = async (clients: PooledClients): Promise<void> => {
    const before = clients.done
    await eventually('clients go on', () => clients.done > before + 20, { deadline: patience })
  }

  const losses: readonly (readonly [what: string, lose: () => Promise<void>, mend: () => Promise<void>])[] = [
    [
      'PgBouncer is frozen',
      async () => await Promise.resolve(bad.pgbouncer.freeze()),
      async () => await Promise.resolve(bad.pgbouncer.thaw()),
    ],
    ['PgBouncer is dead', async () => await bad.pgbouncer.kill(), async () => await bad.pgbouncer.start()],
    [
      'sidecar is frozen',
      async () => await Promise.resolve(bad.sidecar.freeze()),
      async () => await Promise.resolve(bad.sidecar.thaw()),
    ],
    ['sidecar is dead', async () => await bad.sidecar.kill(), async () => await Promise.resolve(bad.sidecar.start())],
  ]
  for (const [what, lose, mend] of losses)
    test(`and one of two poolers, whose ${what}, goes on with the other one and the node hold`, async () => {
      await allReady()
      const before = await rows()
      await using clients = await PooledClients.start(cluster, good, 2, write)
      await goOn(clients)
      await lose()
      try {
        const { id } = await beginDrain(worker)
        const done = await drained(worker)
        assert.match(phasesOf(done)['hold'] ?? '', /^failed: [^;]*pooler-2[^;]*$/)
        const held = (await readHold(ledgerOf(cluster), id))?.answers.filter(({ state }) => state === 'held') ?? []
        assert.deepEqual(held.map(({ kind, holder }) => `${kind} ${holder}`).toSorted(), [
          'node coordinator',
          'pool pooler-1',
        ])
        await worker.postgres.restart()
        await joined(worker)
        await goOn(clients)
        await mend()
        await nothingIsLeft(cluster, worker, id)
      } finally {
        await mend().catch(() => undefined)
      }
      await clients.stop()
      assert.deepEqual(clients.failures, [])
      assert.equal(await rows(), before + clients.done)
    })

  test('and the coordinator that dies under the hold: clients wait for both, and none fails', async () => {
    await allReady()
    const before = await rows()
    await using clients = await PooledClients.start(cluster, good, 2, write)
    await goOn(clients)
    const open = await worker.postgres.connect()
    await open.query('begin; select txid_current()')
    const { id } = await beginDrain(worker)
    await inPhase(worker, 'drain')
    await cluster.coordinator.postgres.kill()
    await cluster.coordinator.postgres.start()
    assert.equal(await isPaused(cluster, good), true)
    await open.query('commit')
    await open.end().catch(() => undefined)
    assert.deepEqual((await drained(worker)).end, { ok: true, reason: '' })
    await worker.postgres.restart()
    await nothingIsLeft(cluster, worker, id)
    await goOn(clients)
    await clients.stop()
    assert.deepEqual(clients.failures, [])
    assert.equal(await rows(), before + clients.done)
  })
})
