// The ledger of drains as the sidecar's role may write it: bounded, told again without harm, through its functions alone.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'

const phase = { phase: 'prepare', began: 1_000, took_ms: 5, outcome: 'done', reason: '' }

suite('the ledger of drains', () => {
  let cluster: LocalCluster
  const as = async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> => {
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query('set role citus_sidecar')
      return (await client.query<Record<string, unknown>>(sql, [...values])).rows
    } finally {
      await client.end()
    }
  }
  const tell = async (drain: object): Promise<void> => {
    await as('select citus_sidecar.record_drain($1::jsonb)', [JSON.stringify(drain)])
  }
  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
  })
  after(async () => await cluster.down())

  test('is told again and again, and has what was said last', async () => {
    const drain = { operation: randomUUID(), member: 'w', phases: [{ ...phase, took_ms: null, outcome: null }] }
    await tell(drain)
    await tell({ ...drain, phases: [phase, { ...phase, phase: 'hold', began: 2_000, reason: 'x'.repeat(900) }] })
    await tell({ ...drain, phases: [phase], member: 'somebody else' })
    assert.deepEqual(
      await as(
        `select member, phase, took_ms, outcome, length(reason) as length, extract(epoch from began)::integer as began
           from citus_sidecar.drain_phases where operation = $1 order by began`,
        [drain.operation],
      ),
      [
        { member: 'w', phase: 'prepare', took_ms: 5, outcome: 'done', length: 0, began: 1 },
        { member: 'w', phase: 'hold', took_ms: 5, outcome: 'done', length: 500, began: 2 },
      ],
    )
  })

  test('has one state a member, open until its return, which a late word of the same drain does not undo', async () => {
    const drain = { operation: randomUUID(), member: 'w', phases: [phase], state: { n: 1 } }
    const open = async (): Promise<unknown> =>
      await as(`select state->'n' as n, returned_at is null as open from citus_sidecar.stop_states where member = 'w'`)
    await tell(drain)
    assert.deepEqual(await open(), [{ n: 1, open: true }])
    await as("select citus_sidecar.end_drains('w')")
    await tell(drain)
    assert.deepEqual(await open(), [{ n: 1, open: false }])
    await tell({ ...drain, operation: randomUUID(), state: { n: 2 } })
    assert.deepEqual(await open(), [{ n: 2, open: true }])
  })

  test('ends the drains of which their sidecar has lost sight, with what is known of them', async () => {
    const cases: readonly [outcome: string, phases: readonly object[]][] = [
      ['interrupted', [phase]],
      ['interrupted', [{ ...phase, phase: 'keep', took_ms: null, outcome: null }]],
      ['succeeded', [phase, { ...phase, phase: 'keep' }]],
      [
        'incomplete',
        [
          { ...phase, outcome: 'failed' },
          { ...phase, phase: 'keep' },
        ],
      ],
    ]
    for (const [outcome, phases] of cases) {
      const [id, other] = [randomUUID(), randomUUID()]
      const record = 'select citus_sidecar.record_operation($1::jsonb)'
      await as(record, [JSON.stringify({ id, member: 'w', kind: 'drain', phase: 'keep' })])
      await as(record, [JSON.stringify({ id: other, member: 'other', kind: 'drain', phase: 'keep' })])
      await tell({ operation: id, member: 'w', phases })
      await as("select citus_sidecar.end_drains('w')")
      const found = 'select phase, outcome from citus_sidecar.operations where id = $1'
      assert.deepEqual(await as(found, [id]), [{ phase: 'back', outcome }])
      assert.deepEqual(await as(found, [other]), [{ phase: 'keep', outcome: null }], "another member's goes on")
    }
  })

  test('ends the phases of which their sidecar has lost sight, until it knows better', async () => {
    const [drain, other] = ['w', 'other'].map((member) => ({
      operation: randomUUID(),
      member,
      phases: [phase, { ...phase, phase: 'hold', took_ms: null, outcome: null }],
    }))
    assert.ok(drain !== undefined && other !== undefined)
    for (const one of [drain, other]) await tell(one)
    await as("select citus_sidecar.end_drains('w')")
    const found = async ({ operation }: { readonly operation: string }): Promise<unknown> =>
      await as('select outcome from citus_sidecar.drain_phases where operation = $1 order by phase', [operation])
    assert.deepEqual(await found(drain), [{ outcome: 'failed' }, { outcome: 'done' }])
    assert.deepEqual(await found(other), [{ outcome: null }, { outcome: 'done' }])
    await tell({ ...drain, phases: [{ ...phase, phase: 'hold' }] })
    assert.deepEqual(await found(drain), [{ outcome: 'done' }, { outcome: 'done' }])
  })

  test('keeps at most five thousand phases, the newest', async () => {
    const phases = Array.from({ length: 20 }, (_, at) => ({ ...phase, phase: `p${at}`, began: Date.now() }))
    await as(
      `select citus_sidecar.record_drain($1::jsonb || jsonb_build_object('operation', gen_random_uuid())) from generate_series(1, 251)`,
      [JSON.stringify({ member: 'w', phases })],
    )
    assert.deepEqual(
      await as(
        "select count(*)::integer as n, min(began) > now() - interval '1 hour' as new from citus_sidecar.drain_phases",
      ),
      [{ n: 5_000, new: true }],
    )
  })

  test('takes nothing that is no drain', async () => {
    const drain = { operation: randomUUID(), member: 'w', phases: [phase] }
    const wrong: readonly [object, string][] = [
      [{ operation: null }, '22023'],
      [{ operation: 'x' }, '22P02'],
      [{ member: null }, '22023'],
      [{ member: '' }, '22023'],
      [{ member: 'w'.repeat(64) }, '22023'],
      [{ phases: null }, '22023'],
      [{ phases: {} }, '22023'],
      [{ phases: Array.from({ length: 21 }, () => phase) }, '22023'],
      [{ phases: [{ ...phase, outcome: 'odd' }] }, '23514'],
      [{ state: { text: 'x'.repeat(1_000_001) } }, '22023'],
    ]
    for (const [change, code] of wrong)
      await assert.rejects(tell({ ...drain, ...change }), { code }, JSON.stringify(change).slice(0, 80))
  })

  test('is written through its functions alone, and by nobody else', async () => {
    for (const sql of [
      'delete from citus_sidecar.drain_phases',
      "update citus_sidecar.drain_phases set reason = 'y'",
      'delete from citus_sidecar.stop_states',
      'update citus_sidecar.stop_states set returned_at = null',
    ])
      await assert.rejects(as(sql), { code: '42501' }, sql)
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query('create role stranger; set role stranger')
      for (const sql of [
        'select from citus_sidecar.stop_states',
        "select citus_sidecar.record_drain('{}')",
        "select citus_sidecar.end_drains('w')",
      ])
        await assert.rejects(client.query(sql), { code: '42501' }, sql)
    } finally {
      await client.end()
    }
  })
})
