// Who holds the traffic for a node that leaves, killed at every moment of its hold: nobody stays held, no client fails, nothing is lost.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { DrainView } from '../../agent/drain/view.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { SidecarProcess } from '../../deploy/local/sidecar-process.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { nothingIsLeft } from '../support/aftermath.ts'
import { beginDrain, drained, inPhase, phasesOf } from '../support/draining.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { keysOn, makeWritten } from '../support/node-holds.ts'
import { connectThrough, PooledClients } from '../support/pooled-clients.ts'
import { withoutPgBouncer } from '../support/pool-holds.ts'
import { rowsOf } from '../support/soak.ts'

/** What is done to the holder at a moment of the drain. */
type Strike = () => Promise<void>

suite('who holds for a node that leaves', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  let worker: LocalNode
  let write: string
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      poolers: 2,
      env: {
        ...quick,
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '1h',
        // A third of it is there for the next holder to come.
        CITUS_SIDECAR_HOLD_MAX: '110s',
      },
    })
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

  const goOn = async (clients: readonly PooledClients[]): Promise<void> => {
    const before = clients.map((one) => one.done)
    const moved = (): boolean =>
      clients.every((one, index) => one.failures.length > 0 || one.done > (before[index] ?? 0) + 20)
    await eventually('clients go on', moved, { deadline: patience })
    assert.deepEqual(
      clients.flatMap(({ failures }) => failures),
      [],
    )
  }

  /** Moments of a drain: each drains and restarts the worker, strikes on the way, and returns the drain. */
  const moments: readonly (readonly [when: string, leave: (kill: Strike, start: Strike) => Promise<DrainView>])[] = [
    [
      'while it is asked',
      async (kill, start) => {
        // No pooler can hold before these end, and the coordinator's sidecar waits for the poolers.
        const open = await Promise.all(cluster.poolers.map(async (one) => await connectThrough(cluster, one)))
        for (const one of open) await one.query('begin')
        for (const one of open) await one.query('select 1')
        await beginDrain(worker)
        await inPhase(worker, 'hold')
        await kill()
        await start()
        for (const one of open) await one.query('commit')
        for (const one of open) await one.end()
        const done = await drained(worker)
        await worker.postgres.restart()
        return done
      },
    ],
    [
      'while it holds and clients are drained',
      async (kill, start) => {
        const open = await worker.postgres.connect()
        await open.query('begin; select txid_current()')
        await beginDrain(worker)
        await inPhase(worker, 'drain')
        await kill()
        await start()
        await open.query('commit')
        await open.end().catch(() => undefined)
        const done = await drained(worker)
        await worker.postgres.restart()
        return done
      },
    ],
    [
      'when PostgreSQL may be stopped',
      async (kill, start) => {
        await beginDrain(worker)
        const done = await drained(worker)
        await kill()
        await start()
        await worker.postgres.restart()
        return done
      },
    ],
    [
      'while PostgreSQL is down',
      async (kill, start) => {
        await beginDrain(worker)
        const done = await drained(worker)
        await worker.postgres.stop()
        await kill()
        await start()
        await worker.postgres.start()
        return done
      },
    ],
    [
      'and is away when PostgreSQL is back',
      async (kill, start) => {
        await beginDrain(worker)
        const done = await drained(worker)
        await worker.postgres.stop()
        await kill()
        await worker.postgres.start()
        await joined(worker)
        await start()
        return done
      },
    ],
  ]
  const holders: readonly (readonly [who: string, sidecar: () => SidecarProcess])[] = [
    ["the coordinator's sidecar", () => cluster.coordinator.sidecar],
    ["a pooler's sidecar", () => cluster.pooler('pooler-1').sidecar],
  ]

  for (const [place, [who, of]] of holders.entries())
    // Every day each moment strikes one of the holders, in a soak both.
    for (const [when, leave] of rowsOf(moments, (_, index) => index % 2 === place))
      test(`${who}, killed ${when}, leaves nobody held`, async () => {
        const sidecar = of()
        for (const { sidecar: each } of [...cluster.nodes, ...cluster.poolers]) await each.answers('/readyz', patience)
        const before = await rows()
        const clients = await Promise.all(
          cluster.poolers.map(async (pooler) => await PooledClients.start(cluster, pooler, 2, write)),
        )
        const writes = (): number => clients.reduce((sum, one) => sum + one.done, 0)
        try {
          await eventually('clients write', () => writes() > 20, { deadline: patience })
          const done = await leave(
            async () => await sidecar.kill(),
            async () => {
              sidecar.start()
              await sidecar.answers('/livez', patience)
            },
          )
          await nothingIsLeft(cluster, worker, done.id)
          // On a machine so busy that the next holder came too late its clients were not promised anything.
          if (phasesOf(done)['hold'] === 'done') await goOn(clients)
        } finally {
          for (const one of clients) await one.stop()
        }
        const failures = clients.reduce((sum, one) => sum + one.failures.length, 0)
        const written = (await rows()) - before
        assert.ok(written >= writes() && written <= writes() + failures, `${written} rows, ${writes()} acknowledged`)
      })
})
