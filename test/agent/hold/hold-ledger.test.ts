// Holds in the ledger of a real server, asked as the sidecar's role: one at a time, with an end that nothing extends.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, suite, test } from 'node:test'
import type { Client } from 'pg'
import { answerHold, openHold, readHold, releaseHold, requestHold } from '../../../agent/hold/hold-ledger.ts'
import type { Hold } from '../../../agent/hold/hold-ledger.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'
import type { Sql } from '../../../probes/sql.ts'

suite('holds in the ledger', () => {
  let cluster: LocalCluster
  let client: Client
  const sql: Sql = {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await client.query<Row & Record<string, unknown>>(text, [...values])).rows,
  }
  const request = async (change: Partial<Parameters<typeof requestHold>[1]> = {}): Promise<Hold> =>
    await requestHold(sql, { id: randomUUID(), member: 'worker-1', kinds: ['pool', 'node'], seconds: 30, ...change })

  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
    client = await cluster.coordinator.postgres.connect()
    await client.query('set role citus_sidecar')
    for (const [index, name] of ['worker-1', 'worker-2'].entries()) {
      const announcement = { name, role: 'worker', host: 'localhost', port: index + 1 }
      await client.query('select citus_sidecar.announce($1::jsonb)', [JSON.stringify(announcement)])
    }
  })
  after(async () => {
    await client.end()
    await cluster.down()
  })
  afterEach(async () => {
    const open = await openHold(sql)
    if (open !== undefined) await releaseHold(sql, open.id, 'the test is over')
  })

  test('stand until they are released, and once released for good', async () => {
    const { id, ...granted } = await request()
    assert.deepEqual(
      { ...granted, leftMs: 0 },
      { member: 'worker-1', kinds: ['pool', 'node'], open: true, leftMs: 0, answers: [], traceparent: null },
    )
    assert.ok(granted.leftMs > 0 && granted.leftMs <= 30_000, `${granted.leftMs} ms`)
    assert.equal((await openHold(sql))?.id, id)
    await releaseHold(sql, id, 'it is back')
    assert.equal(await openHold(sql), undefined)
    assert.equal((await readHold(sql, id))?.open, false)
    await releaseHold(sql, id, 'said twice')
    assert.equal((await request({ id })).open, false)
    const { rows } = await client.query('select reason from citus_sidecar.holds where id = $1', [id])
    assert.deepEqual(rows, [{ reason: 'it is back' }])
  })

  test('are granted to one member at a time, also when two ask at once', async () => {
    const other = await cluster.coordinator.postgres.connect()
    try {
      const atOnce = await Promise.allSettled([
        request(),
        requestHold(
          { query: async (text, values = []) => (await other.query(text, [...values])).rows as never },
          { id: randomUUID(), member: 'worker-2', kinds: ['node'], seconds: 30 },
        ),
      ])
      assert.deepEqual(atOnce.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
      // Whoever lost stays refused; the winner's own next hold would take the place of its first.
      const loser = atOnce[0]?.status === 'fulfilled' ? 'worker-2' : 'worker-1'
      await assert.rejects(request({ member: loser }), { code: '55006', message: /holds the traffic until/ })
    } finally {
      await other.end()
    }
  })

  test('of a member that could not release its older one take its place', async () => {
    const older = await request()
    const newer = await request({ id: randomUUID() })
    assert.notEqual(newer.id, older.id)
    assert.equal((await openHold(sql))?.id, newer.id)
  })

  test('asked for twice under one id are one hold, whose end stays', async () => {
    const first = await request({ seconds: 20 })
    const again = await request({ id: first.id, seconds: 500 })
    assert.equal(again.id, first.id)
    assert.ok(again.leftMs <= first.leftMs, `${again.leftMs} ms after ${first.leftMs}`)
  })

  test('end with their lease: then another member has its turn', async () => {
    const { id } = await request({ seconds: 0.2 })
    await eventually('the lease runs out', async () => (await openHold(sql)) === undefined)
    const gone = await readHold(sql, id)
    assert.equal(gone?.open, false)
    assert.ok(gone.leftMs <= 0)
    assert.equal((await request({ member: 'worker-2' })).open, true)
    const { rows } = await client.query(
      'select reason, released_at = expires_at as at_end from citus_sidecar.holds where id = $1',
      [id],
    )
    assert.deepEqual(rows, [{ reason: 'its lease ran out', at_end: true }])
  })

  test('have one answer a holder and kind, the last one', async () => {
    const { id } = await request()
    await answerHold(sql, id, { holder: 'pooler-1', kind: 'pool', state: 'held', reason: '' })
    await answerHold(sql, id, { holder: 'coordinator', kind: 'node', state: 'failed', reason: 'x'.repeat(600) })
    await answerHold(sql, id, { holder: 'pooler-1', kind: 'pool', state: 'released', reason: 'released' })
    const { answers = [] } = (await readHold(sql, id)) ?? {}
    assert.deepEqual(
      answers.toSorted((a, b) => a.kind.localeCompare(b.kind)),
      [
        { holder: 'coordinator', kind: 'node', state: 'failed', reason: 'x'.repeat(500) },
        { holder: 'pooler-1', kind: 'pool', state: 'released', reason: 'released' },
      ],
    )
  })

  test('that nobody knows take no answer and no release', async () => {
    const id = randomUUID()
    await answerHold(sql, id, { holder: 'pooler-1', kind: 'pool', state: 'held', reason: '' })
    await releaseHold(sql, id, 'nothing')
    assert.equal(await readHold(sql, id), undefined)
  })

  test('refuse garbage', async () => {
    for (const change of [
      { seconds: 0 },
      { seconds: -1 },
      { seconds: 601 },
      { seconds: null },
      { kinds: [] },
      { kinds: null },
      { kinds: ['node', 'sun'] },
      { kinds: [null] },
      { member: 'stranger' },
      { member: null },
      { id: null },
    ])
      await assert.rejects(request(change as never), { code: '22023' }, JSON.stringify(change))
    for (const change of [{ seconds: 'NaN' }, { seconds: 'Infinity' }, { seconds: 'soon' }, { id: 'x' }, { kinds: 7 }])
      await assert.rejects(request(change as never), { code: /^22/ }, JSON.stringify(change))
    for (const text of ['null', '[]', '7', '"x"', '{}'])
      for (const call of ['request_hold', 'answer_hold'])
        await assert.rejects(
          sql.query(`select citus_sidecar.${call}($1::jsonb)`, [text]),
          { code: '22023' },
          `${call} ${text}`,
        )
    const { id } = await request()
    const answer = { holder: 'pooler-1', kind: 'pool', state: 'held', reason: '' }
    for (const change of [
      { holder: '' },
      { holder: null },
      { holder: 'x'.repeat(64) },
      { kind: 'sun' },
      { kind: null },
      { state: 'asleep' },
      { state: null },
    ])
      await assert.rejects(answerHold(sql, id, { ...answer, ...change } as never), { code: '22023' })
    assert.deepEqual((await readHold(sql, id))?.answers, [])
  })

  test('change only through their functions', async () => {
    for (const text of [
      'delete from citus_sidecar.holds',
      'update citus_sidecar.holds set expires_at = now()',
      'insert into citus_sidecar.hold_answers (hold_id) values (null)',
    ])
      await assert.rejects(sql.query(text), { code: '42501' }, text)
  })

  test('tell of every change, and of no other', async () => {
    const listener = await cluster.coordinator.postgres.connect()
    try {
      const heard: string[] = []
      listener.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload ?? ''}`))
      await listener.query('listen citus_sidecar; listen done')
      const { id } = await request()
      const ours = `citus_sidecar {"hold": "${id}"}`
      const held = { holder: 'pooler-1', kind: 'pool', state: 'held', reason: '' } as const
      await request({ id })
      await answerHold(sql, id, held)
      await answerHold(sql, id, held)
      await releaseHold(sql, id, 'it is back')
      await releaseHold(sql, id, 'said twice')
      // Notifications come in the order of commits: behind this one there is nothing to wait for.
      await client.query('notify done')
      await eventually('everything was told', () => heard.includes('done '))
      assert.deepEqual(heard, [ours, ours, ours, 'done '])
    } finally {
      await listener.end()
    }
  })
})
