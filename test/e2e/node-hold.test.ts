// Writes to a worker wait on every other node while it restarts, and go on whatever dies meanwhile.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { answerHold, openHold, releaseHold } from '../../agent/hold/hold-ledger.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, quick } from '../support/joining.ts'
import {
  answeredNode,
  holdsOn,
  keysOn,
  makeWritten,
  openNodeHold,
  openWrite,
  untilHolds,
  writesWait,
} from '../support/node-holds.ts'
import { ledgerOf, patience, release } from '../support/pool-holds.ts'
import { Writers } from '../support/writers.ts'

suite('a node hold', () => {
  let cluster: LocalCluster
  let stopped: LocalNode
  let entries: readonly LocalNode[]
  let keys: readonly number[]
  let key: number
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick })
    stopped = cluster.node('worker-1')
    entries = [cluster.coordinator, cluster.node('worker-2')]
    for (const node of cluster.nodes) await joined(node)
    await makeWritten(cluster)
    keys = await keysOn(cluster, stopped)
    key = keys[0] ?? 0
  })
  after(async () => await cluster.down())
  // What one test leaves open would refuse the next its hold.
  afterEach(async () => {
    const open = await openHold(ledgerOf(cluster))
    if (open !== undefined) await releaseHold(ledgerOf(cluster), open.id, 'the test is over')
    await untilHolds(cluster.nodes, 0)
  })

  const active = async (): Promise<string | undefined> =>
    /^citus_sidecar_holds_active\{kind="node"\} (\d)$/m.exec(
      (await cluster.coordinator.sidecar.get('/metrics')).body,
    )?.[1]

  test('keeps writes to the worker waiting on every other node until it is released', async () => {
    assert.equal(await active(), '0')
    const id = await openNodeHold(cluster)
    assert.equal(await answeredNode(cluster, id, 'held'), '')
    for (const entry of entries) {
      assert.equal(await holdsOn(entry), 1)
      assert.equal(await writesWait(cluster, entry, key), true, entry.name)
    }
    assert.equal(await holdsOn(stopped), 0)
    assert.equal(await active(), '1')
    await release(cluster, id)
    assert.equal(await answeredNode(cluster, id, 'released'), 'released')
    for (const entry of entries) assert.equal(await writesWait(cluster, entry, key), false, entry.name)
    assert.equal(await active(), '0')
  })

  for (const each of [1, 2])
    test(`lets a worker restart under transactions of ${each} writes through the coordinator and another worker, and none fails`, async (t) => {
      if (cluster.kind !== 'citus') return t.skip('real Citus only: writes to distributed tables')
      const count = async (): Promise<number> => {
        const [row] = await cluster.coordinator.postgres.query<{ count: number }>('select count(*)::int from written')
        return row?.count ?? 0
      }
      const rows = await count()
      await using writers = await Writers.start(entries, 'written', keys, each)
      for (let round = 0; round < 3; round += 1) {
        const begun = writers.done
        await eventually('writers write', () => writers.done > begun + 100, { deadline: patience })
        const id = await openNodeHold(cluster, 300)
        await answeredNode(cluster, id, 'held')
        await stopped.postgres.restart()
        await release(cluster, id)
        await answeredNode(cluster, id, 'released')
      }
      const back = writers.done
      await eventually('writers go on', () => writers.done > back + 100, { deadline: patience })
      await writers.stop()
      assert.deepEqual(writers.failures, [])
      assert.equal(await count(), rows + writers.done)
    })

  for (const through of ['coordinator', 'worker-2'])
    test(`fails, and names who is in the way, while a write through ${through} does not end`, async () => {
      const blocker = await openWrite(cluster, cluster.node(through), key)
      const { rows } = await blocker.query<{ pid: number }>('select pg_backend_pid() as pid')
      await using writers =
        cluster.kind === 'citus' ? await Writers.start(entries, 'written', keys) : await Writers.start([], '', [])
      try {
        const id = await openNodeHold(cluster, 30)
        const reason = await answeredNode(cluster, id, 'failed')
        assert.match(reason, new RegExp(`kept busy by .*pid ${rows[0]?.pid} \\("never-ends", idle in transaction`))
        await untilHolds(cluster.nodes, 0)
        await writers.stop()
        assert.deepEqual(writers.failures, [])
        // A try lasts 0.9 s at most, and then writers have their turn: half the lease is far from both, whatever the machine adds.
        assert.ok(writers.longest < 15_000, `${writers.longest} ms`)
        await blocker.query('commit')
      } finally {
        await blocker.end()
      }
    })

  test('comes after the poolers: a client of theirs that waited for it would keep them from pausing', async () => {
    const announcement = { name: 'pooler-9', role: 'pooler', host: 'localhost', port: 9 }
    const ledger = ledgerOf(cluster)
    await ledger.query('select citus_sidecar.announce($1::jsonb)', [JSON.stringify(announcement)])
    const id = await openNodeHold(cluster, 60, 'worker-1', ['pool', 'node'])
    assert.equal(await holdsOn(cluster.coordinator), 0)
    await answerHold(ledger, id, { holder: 'pooler-9', kind: 'pool', state: 'held', reason: '' })
    await answeredNode(cluster, id, 'held')
    const { rows } = {
      rows: await ledger.query<{ ordered: boolean }>(
        `select (select at from citus_sidecar.hold_answers where hold_id = $1 and kind = 'pool')
              < (select at from citus_sidecar.hold_answers where hold_id = $1 and kind = 'node') as ordered`,
        [id],
      ),
    }
    assert.deepEqual(rows, [{ ordered: true }])
    await ledger.query(`delete from citus_sidecar.members where name = 'pooler-9'`)
  })

  test('that nobody releases ends with its lease', async () => {
    const id = await openNodeHold(cluster, 3)
    await answeredNode(cluster, id, 'held')
    assert.match(await answeredNode(cluster, id, 'released'), /its lease ran out/)
    for (const entry of entries) assert.equal(await writesWait(cluster, entry, key), false)
  })

  test('is ended by PostgreSQL itself when its lease runs out under a sidecar that is frozen', async () => {
    const id = await openNodeHold(cluster, 4)
    await answeredNode(cluster, id, 'held')
    cluster.coordinator.sidecar.freeze()
    try {
      await untilHolds(entries, 0)
      for (const entry of entries) assert.equal(await writesWait(cluster, entry, key), false)
    } finally {
      cluster.coordinator.sidecar.thaw()
    }
    await answeredNode(cluster, id, 'released')
  })

  test('is over when its sidecar is killed, and taken again by the next one', async () => {
    const id = await openNodeHold(cluster, 60)
    await answeredNode(cluster, id, 'held')
    await cluster.coordinator.sidecar.kill()
    await untilHolds(entries, 0)
    cluster.coordinator.sidecar.start()
    await untilHolds(entries, 1, 60_000)
    await release(cluster, id)
    await answeredNode(cluster, id, 'released')
  })

  test('leaves nothing held on a worker when the coordinator is killed, and comes back with it', async () => {
    const id = await openNodeHold(cluster, 12)
    await answeredNode(cluster, id, 'held')
    await cluster.coordinator.postgres.kill()
    // The lease needs nobody to end it.
    await untilHolds([cluster.node('worker-2')], 0)
    await cluster.coordinator.postgres.start()
    await answeredNode(cluster, id, 'released')
    const next = await openNodeHold(cluster)
    await cluster.coordinator.postgres.kill()
    await cluster.coordinator.postgres.start()
    await untilHolds(entries, 1)
    await release(cluster, next)
    await answeredNode(cluster, next, 'released')
  })

  test('holds without a server that is away, says so, and takes it in when it is back', async () => {
    const away = cluster.node('worker-2')
    await away.postgres.stop()
    const id = await openNodeHold(cluster)
    try {
      assert.match(await answeredNode(cluster, id, 'held'), new RegExp(`not on localhost:${away.pgPort}: `))
    } finally {
      await away.postgres.start()
    }
    await untilHolds(entries, 1)
  })

  test('is refused for who has none: the coordinator, and a member that is not registered', async () => {
    assert.match(
      await answeredNode(cluster, await openNodeHold(cluster, 30, 'coordinator'), 'failed'),
      /is the coordinator/,
    )
    const open = await openHold(ledgerOf(cluster))
    await release(cluster, open?.id ?? '')
    const announcement = { name: 'worker-9', role: 'worker', host: 'localhost', port: 9 }
    await ledgerOf(cluster).query('select citus_sidecar.announce($1::jsonb)', [JSON.stringify(announcement)])
    assert.match(
      await answeredNode(cluster, await openNodeHold(cluster, 30, 'worker-9'), 'failed'),
      /worker-9 is not registered/,
    )
  })

  test('takes no lock without a limit that ends it, and none for a group that is no worker', async () => {
    const call = async (group: number | null, limit: string): Promise<unknown> => {
      const session = await cluster.coordinator.postgres.connect()
      try {
        await session.query('set role citus_sidecar')
        await session.query(`begin; set local idle_in_transaction_session_timeout = '${limit}'`)
        return await session.query('select citus_sidecar.hold_node($1, 100, false)', [group])
      } finally {
        await session.end()
      }
    }
    await assert.rejects(call(2, '0'), { code: '55000' })
    for (const group of [0, 77, -1, null]) await assert.rejects(call(group, '1s'), { code: '22023' })
  })

  test('hears nothing in notifications but that it should look', async () => {
    const { postgres, sidecar } = cluster.coordinator
    for (const payload of ['', 'x', '{', '{"hold": 7}', '{"hold": "no-uuid"}', '[]', 'null', 'y'.repeat(7_900)])
      await postgres.query(`select pg_notify('citus_sidecar', $1)`, [payload])
    const id = await openNodeHold(cluster)
    await answeredNode(cluster, id, 'held')
    assert.ok(sidecar.log().every((line) => !('unparsed' in line) && line['level'] !== 'error'))
  })

  test('ends who is in the way where it is told to, and only then', async () => {
    const { sidecar } = cluster.coordinator
    await sidecar.stop()
    sidecar.start({ CITUS_SIDECAR_HOLD_FORCE: 'true' })
    await sidecar.answers('/readyz', patience)
    const blocker = await openWrite(cluster, cluster.coordinator, key)
    const id = await openNodeHold(cluster, 60)
    await answeredNode(cluster, id, 'held')
    await assert.rejects(blocker.query('select 1'))
    await blocker.end().catch(() => undefined)
    await sidecar.restart()
    assert.match(await answeredNode(cluster, id, 'released'), /the sidecar ends/)
  })
})
