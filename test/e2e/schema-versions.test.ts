// Sidecars of two versions on one ledger: those of today where only the version before was bootstrapped, those of the version before
// after today's bootstrap. Who raises schemaVersion records what it was, before the change, for both roles: what
// schemaSql(role, 'citus_sidecar') of agent/cluster/schema.ts returns. That of the version before it is no longer needed.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { schemaVersion } from '../../agent/cluster/schema.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, drained } from '../support/draining.ts'
import { complaints, eventuallyEqual, joined, patience, quick } from '../support/joining.ts'
import { makeWritten } from '../support/node-holds.ts'
import { untilPaused, withoutPgBouncer } from '../support/pool-holds.ts'
import { prepareNode } from '../support/volumes.ts'

const former = schemaVersion - 1

/** Prepares a node as bootstrap of the version before did. */
async function prepareAsBefore({ role, postgres }: LocalNode, password: string): Promise<void> {
  const sql = await readFile(new URL(`../golden/schema-${former}-${role}.sql`, import.meta.url), 'utf8')
  const session = await postgres.connect()
  try {
    await session.query(`begin; set local citus.enable_ddl_propagation = off; set local search_path = pg_catalog`)
    await session.query(`create role citus_sidecar login password '${password}'; grant pg_monitor to citus_sidecar`)
    await session.query(sql)
    await session.query('commit')
  } finally {
    await session.end()
  }
}

// What a sidecar can see and call: it must find all of it on every later version, too.
const surfaceSql = `
  select 'column ' || c.table_name || '.' || c.column_name || ' ' || c.data_type as thing
    from information_schema.columns c where c.table_schema = 'citus_sidecar'
   union all
  select 'function ' || p.oid::regprocedure || ' returns ' || pg_get_function_result(p.oid)
    from pg_proc p where p.pronamespace = 'citus_sidecar'::regnamespace and has_function_privilege('citus_sidecar', p.oid, 'execute')
   order by 1`

/** Calls as the sidecar of version 3 makes them, in an order in which they all succeed; $ID is a hold and a drain. */
const callsOfBefore: readonly (readonly [call: string, argument: object | string])[] = [
  [
    'announce($1::jsonb)',
    {
      name: 'worker-9',
      role: 'worker',
      host: 'localhost',
      port: 9,
      group_wanted: 9,
      state: 'unregistered',
      ready: false,
      reason: '',
      sidecar_version: '0.1.0',
      maintenance: null,
      lag_bytes: null,
      heartbeat_seconds: 30,
      first: true,
      system_identifier: '7009',
      server_id: null,
      timeline: 1,
      lsn: '0/1000000',
      in_recovery: false,
      postgres_version: '15.1',
      citus_version: null,
      group_id: null,
      node_id: null,
    },
  ],
  [
    'record_operation($1::jsonb)',
    { id: '$ID', member: 'worker-9', kind: 'drain', phase: 'cause', outcome: null, reason: '' },
  ],
  ['request_hold($1::jsonb)', { id: '$ID', member: 'worker-9', kinds: ['pool', 'node'], seconds: 5 }],
  ['answer_hold($1::jsonb)', { hold_id: '$ID', holder: 'pooler-9', kind: 'pool', state: 'held', reason: '' }],
  [
    'answer_hold($1::jsonb)',
    { hold_id: '$ID', holder: 'pooler-9', kind: 'pool', state: 'released', reason: 'released' },
  ],
  [`release_hold($1, 'the node is back')`, '$ID'],
  [
    'record_operation($1::jsonb)',
    { id: '$ID', member: 'worker-9', kind: 'drain', phase: 'back', outcome: 'succeeded', reason: '' },
  ],
  [
    'record_drain($1::jsonb)',
    {
      operation: '$ID',
      member: 'worker-9',
      phases: [{ phase: 'keep', began: 1_000, took_ms: 5, outcome: 'done', reason: '' }],
      state: { nodes: [] },
    },
  ],
  ['end_drains($1)', 'worker-9'],
  ['accept_member($1)', 'worker-9'],
  [`take_over_members($1, '7009', 1)`, 'worker-9'],
]

suite(`sidecars of versions ${former} and ${schemaVersion} of the schema`, () => {
  let cluster: LocalCluster
  let worker: LocalNode
  let surface: readonly string[]
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      poolers: withoutPgBouncer === false ? 1 : 0,
      prepare: 'extension',
      env: { ...quick, CITUS_SIDECAR_UNREADY_WAIT: '0ms', CITUS_SIDECAR_GRACE_PERIOD: '1h' },
    })
    worker = cluster.node('worker-1')
    for (const node of cluster.nodes) await prepareAsBefore(node, cluster.passwords.citus_sidecar)
    surface = await surfaceOf()
    for (const { sidecar } of [...cluster.nodes, ...cluster.poolers]) sidecar.start()
    for (const { sidecar } of [...cluster.nodes, ...cluster.poolers]) await sidecar.answers('/readyz', patience)
    await makeWritten(cluster)
  })
  after(async () => await cluster.down())

  const ledger = async (sql: string): Promise<Record<string, unknown>[]> =>
    await cluster.coordinator.postgres.query(sql)
  const surfaceOf = async (): Promise<readonly string[]> => (await ledger(surfaceSql)).map(({ thing }) => String(thing))
  const versionOf = async ({ postgres }: LocalNode): Promise<unknown> =>
    (await postgres.query('select version from citus_sidecar.schema_version'))[0]?.['version']

  /** A whole stop of the worker, held by all who can. */
  async function leaves(): Promise<string> {
    await joined(worker)
    await beginDrain(worker)
    const { id, end } = await drained(worker)
    assert.deepEqual(end, { ok: true, reason: '' })
    const kinds = ['node', ...cluster.poolers.map(() => 'pool')]
    assert.deepEqual(
      await ledger(`select kind, state from citus_sidecar.hold_answers where hold_id = '${id}' order by kind`),
      kinds.map((kind) => ({ kind, state: 'held' })),
    )
    await worker.postgres.restart()
    await joined(worker)
    await eventuallyEqual(
      'the ledger has its end',
      async () => await ledger(`select phase, outcome from citus_sidecar.operations where id = '${id}'`),
      [{ phase: 'back', outcome: 'succeeded' }],
    )
    await eventuallyEqual(
      'nothing is held',
      async () => await ledger('select id from citus_sidecar.holds where released_at is null'),
      [],
    )
    for (const pooler of cluster.poolers) await untilPaused(cluster, pooler, false)
    return id
  }

  test('of today join, hold and leave where nothing was upgraded', async () => {
    for (const node of cluster.nodes) assert.equal(await versionOf(node), former)
    await leaves()
    for (const node of cluster.nodes) assert.deepEqual(complaints(node), [])
  })

  test('of today leave where only the coordinator was upgraded, which keeps what was on record', async () => {
    const held = await ledger('select id, member, kinds, reason from citus_sidecar.holds order by requested_at')
    assert.ok(held.length > 0)
    await prepareNode(cluster.coordinator)
    assert.deepEqual([await versionOf(cluster.coordinator), await versionOf(worker)], [schemaVersion, former])
    assert.deepEqual(
      await ledger('select id, member, kinds, reason from citus_sidecar.holds order by requested_at'),
      held,
    )
    const id = await leaves()
    await eventuallyEqual(
      'every phase has ended',
      async () =>
        await ledger(
          `select count(*)::int as n from citus_sidecar.drain_phases where operation = '${id}' and outcome = 'done'`,
        ),
      [{ n: 8 }],
    )
  })

  test('of before find everything they see and call after the upgrade', async () => {
    const now = new Set(await surfaceOf())
    assert.deepEqual(
      surface.filter((thing) => !now.has(thing)),
      [],
    )
  })

  test('of before are understood after the upgrade', async () => {
    const id = randomUUID()
    const session = await cluster.coordinator.postgres.connect({ user: 'citus_sidecar' })
    try {
      for (const [call, argument] of callsOfBefore) {
        const text = (typeof argument === 'string' ? argument : JSON.stringify(argument)).replaceAll('$ID', id)
        await session.query(`select * from citus_sidecar.${call}`, [text])
      }
    } finally {
      await session.end()
    }
    // Sidecars of today answer it as well.
    assert.deepEqual(
      await ledger(`select h.released_at is not null as released, a.state, o.outcome
                      from citus_sidecar.holds h join citus_sidecar.hold_answers a on a.hold_id = h.id
                      join citus_sidecar.operations o on o.id = h.id where h.id = '${id}' and a.holder = 'pooler-9'`),
      [{ released: true, state: 'released', outcome: 'succeeded' }],
    )
    await ledger(`delete from citus_sidecar.members where name = 'worker-9'`)
  })

  test('of today leave where all was upgraded', async () => {
    await prepareNode(worker)
    assert.equal(await versionOf(worker), schemaVersion)
    await leaves()
  })
})
