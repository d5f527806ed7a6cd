// The ledger of removals as the sidecar's role may use it: no step without an open removal, no node but that one, nothing written by hand.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'

type Row = Readonly<Record<string, unknown>>

suite('the ledger of removals', () => {
  let cluster: LocalCluster
  /** Node ids of coordinator, worker-1 and worker-2. */
  let ids: readonly number[]
  const as = async (sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query('set role citus_sidecar')
      return (await client.query<Row>(sql, [...values])).rows
    } finally {
      await client.end()
    }
  }
  const request = async (node: number | undefined, change: object = {}): Promise<Row | undefined> => {
    const said = { id: randomUUID(), member: `node-${node}`, node_id: node, ...change }
    const [row] = await as('select * from citus_sidecar.request_removal($1::jsonb)', [JSON.stringify(said)])
    return row
  }
  const note = async (id: unknown, change: object): Promise<void> => {
    await as('select citus_sidecar.note_removal($1::jsonb)', [JSON.stringify({ id, phase: 'x', ...change })])
  }
  const cancel = async (node: number | undefined): Promise<Row | undefined> =>
    (await as('select * from citus_sidecar.cancel_removal($1)', [node]))[0]
  const should = async (node: number | undefined): Promise<unknown> =>
    (await as('select shouldhaveshards from pg_dist_node where nodeid = $1', [node]))[0]?.['shouldhaveshards']

  before(async () => {
    cluster = await startCluster({ workers: 2 })
    const rows = await as('select nodeid from pg_dist_node order by groupid')
    ids = rows.map(({ nodeid }) => Number(nodeid))
    // Their sidecars would carry out what these tests ask for.
    for (const { sidecar } of cluster.nodes) await sidecar.stop()
  })
  after(async () => await cluster.down())
  afterEach(async () => {
    await cluster.coordinator.postgres.query('delete from citus_sidecar.removals')
    await cluster.coordinator.postgres.query(
      `select citus_set_node_property(nodename, nodeport, 'shouldhaveshards', true) from pg_dist_node where groupid <> 0 and not shouldhaveshards`,
    )
  })

  test('opens one for a registered worker, and no second one', async () => {
    for (const [change, code] of [
      [{ node_id: 4_711 }, '22023'],
      [{ node_id: ids[0] }, '22023'],
      [{ node_id: null }, '22023'],
      [{ id: null }, '22023'],
      [{ member: '' }, '22023'],
      [{ transfer_mode: 'by_hand' }, '23514'],
    ] as const)
      await assert.rejects(request(ids[1], change), { code }, JSON.stringify(change))
    const open = await request(ids[1])
    assert.deepEqual([open?.['phase'], open?.['transfer_mode'], open?.['had_shards']], ['asked', 'auto', null])
    assert.equal((await request(ids[1]))?.['id'], open?.['id'])
    await assert.rejects(request(ids[2]), {
      code: '55006',
      message: new RegExp(`removal of node-${ids[1]} is going on`),
    })
  })

  test('takes back the one that is open, and one that failed half-way, but none that succeeded', async () => {
    assert.equal(await cancel(ids[1]), undefined)
    const open = await request(ids[1])
    assert.equal(await cancel(ids[2]), undefined)
    assert.notEqual((await cancel(ids[1]))?.['cancelled_at'], null)
    await assert.rejects(request(ids[1]), { code: '55006', message: /is being cancelled/ })
    await note(open?.['id'], { outcome: 'cancelled' })
    assert.equal(await cancel(ids[1]), undefined)

    const failed = await request(ids[2])
    await as('select citus_sidecar.removal_shards_off($1)', [failed?.['id']])
    await note(failed?.['id'], { outcome: 'failed' })
    const taken = await cancel(ids[2])
    assert.deepEqual([taken?.['id'], taken?.['outcome']], [failed?.['id'], null])
    await as('select citus_sidecar.removal_shards_on($1)', [failed?.['id']])
    await note(failed?.['id'], { outcome: 'cancelled' })
    assert.equal(await should(ids[2]), true)
  })

  test('takes no step for a removal that is unknown, over, or going the other way', async () => {
    const forth = ['removal_shards_off($1)', 'removal_start($1)', 'removal_drop($1)']
    const back = ['removal_shards_on($1)', 'removal_stop($1)']
    const refused = async (id: unknown, calls: readonly string[]): Promise<void> => {
      for (const call of calls) await assert.rejects(as(`select citus_sidecar.${call}`, [id]), { code: '22023' }, call)
    }
    await refused(randomUUID(), [...forth, ...back])
    const id = (await request(ids[1]))?.['id']
    await refused(id, back)
    await cancel(ids[1])
    await refused(id, forth)
    await note(id, { outcome: 'cancelled' })
    await refused(id, [...forth, ...back])
    await assert.rejects(note(id, {}), { code: '22023' })
    assert.equal(await should(ids[1]), true)
  })

  test('gives shards back only to a node that had them, and says what it was before', async () => {
    const [worker] = [cluster.node('worker-1')]
    await cluster.coordinator.postgres.query(`select citus_set_node_property($1, $2, 'shouldhaveshards', false)`, [
      'localhost',
      worker.pgPort,
    ])
    const id = (await request(ids[1]))?.['id']
    for (let again = 0; again < 2; again += 1) await as('select citus_sidecar.removal_shards_off($1)', [id])
    assert.deepEqual(await as('select had_shards from citus_sidecar.removals where id = $1', [id]), [
      { had_shards: false },
    ])
    await cancel(ids[1])
    await as('select citus_sidecar.removal_shards_on($1)', [id])
    assert.equal(await should(ids[1]), false)
  })

  test('starts no move from a node that is to have shards', async () => {
    const id = (await request(ids[1]))?.['id']
    await assert.rejects(as('select citus_sidecar.removal_start($1)', [id]), { code: '55000' })
  })

  test('removes no node that has shards', async () => {
    const { postgres } = cluster.coordinator
    await postgres.query(`
      create table kept (key int);
      insert into pg_dist_colocation values (77, 1, 1, 23, 0);
      insert into pg_dist_partition values ('kept', 'h', 'key', 77, 'c');
      insert into pg_dist_shard values ('kept', 990001, 't', '0', '999');
      insert into pg_dist_placement (shardid, shardstate, shardlength, groupid) values (990001, 1, 0, 2)`)
    try {
      const id = (await request(ids[1]))?.['id']
      await assert.rejects(as('select citus_sidecar.removal_drop($1)', [id]), {
        code: '55000',
        message: /still has shards/,
      })
    } finally {
      await postgres.query(`
        delete from pg_dist_placement where shardid = 990001; delete from pg_dist_shard where shardid = 990001;
        delete from pg_dist_partition where colocationid = 77; delete from pg_dist_colocation where colocationid = 77; drop table kept`)
    }
  })

  test('notes phases on record as an operation, with the time of each', async () => {
    const id = (await request(ids[1]))?.['id']
    await note(id, { phase: 'check' })
    const at = async (): Promise<unknown> =>
      (await as('select phase_at::text from citus_sidecar.removals where id = $1', [id]))[0]
    const first = await at()
    await note(id, { phase: 'check', reason: 'y'.repeat(5_000), progress: { leftBytes: 7 } })
    assert.deepEqual(await at(), first)
    await note(id, { phase: 'move' })
    assert.notDeepEqual(await at(), first)
    assert.deepEqual(
      await as(`select phase, length(reason) as length, progress->'leftBytes' as bytes from citus_sidecar.removals`),
      [{ phase: 'move', length: 0, bytes: 7 }],
    )
    await note(id, { phase: 'move', outcome: 'refused', reason: 'no' })
    assert.deepEqual(
      await as(`select member, kind, phase, outcome, reason from citus_sidecar.operations where id = $1`, [id]),
      [{ member: `node-${ids[1]}`, kind: 'remove', phase: 'move', outcome: 'refused', reason: 'no' }],
    )
  })

  test('lets nobody else in: no table is written and no inner function called by the sidecar', async () => {
    for (const sql of [
      `insert into citus_sidecar.removals (id, member, node_id, group_id, host, port) values (gen_random_uuid(), 'x', 1, 1, 'x', 1)`,
      `update citus_sidecar.removals set outcome = 'succeeded'`,
      `select citus_sidecar.ask_primaries('select 1', null)`,
      'select citus_sidecar.open_removal(gen_random_uuid(), false)',
    ])
      await assert.rejects(as(sql), { code: '42501' }, sql)
  })

  test('forgets a member that was removed once it is silent for long and not registered, and none before', async () => {
    const { postgres } = cluster.coordinator
    const forgotten = async (): Promise<unknown> =>
      (await as('select citus_sidecar.forget_removed() as name')).map(({ name }) => name)
    const id = (await request(ids[2], { member: 'worker-2' }))?.['id']
    await as('select citus_sidecar.removal_drop($1)', [id])
    assert.deepEqual(await forgotten(), [])
    await note(id, { outcome: 'succeeded' })
    assert.deepEqual(await forgotten(), [])
    await postgres.query(`update citus_sidecar.members set last_seen = last_seen - interval '1 day'`)
    assert.deepEqual(await forgotten(), ['worker-2'])
    assert.deepEqual(await forgotten(), [])
    assert.equal((await as(`select from citus_sidecar.members where name = 'worker-1'`)).length, 1)
  })
})
