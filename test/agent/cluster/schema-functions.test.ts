// The ledger's functions as the sidecar's role may call them: strangers, contradictions and direct writes are refused.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../../deploy/local/local-node.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'

const announcement = {
  name: 'worker-9',
  role: 'worker',
  host: 'localhost',
  port: 1,
  system_identifier: '42',
  timeline: 2,
  lsn: '0/2000000',
  in_recovery: false,
}

suite("the ledger's functions", () => {
  let cluster: LocalCluster
  /** One statement as the sidecar's role. */
  const as = async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> => {
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query('set role citus_sidecar')
      return (await client.query<Record<string, unknown>>(sql, [...values])).rows
    } finally {
      await client.end()
    }
  }
  const say = async (change: object): Promise<void> => {
    await as('select citus_sidecar.announce($1::jsonb)', [JSON.stringify({ ...announcement, ...change })])
  }
  /** What a node's own sidecar would announce. */
  const sayTruth = async ({ name, role, pgPort: port, postgres }: LocalNode, change: object = {}): Promise<void> => {
    const [control] = await postgres.query(
      'select system_identifier::text, 1 as timeline, pg_current_wal_flush_lsn()::text as lsn from pg_control_system()',
    )
    await say({ name, role, port, ...control, ...change })
  }
  const nodes = async (): Promise<unknown> =>
    await cluster.coordinator.postgres.query(
      'select groupid, nodename, nodeport, isactive, shouldhaveshards from pg_dist_node order by groupid',
    )

  before(async () => {
    cluster = await startCluster({ workers: 1, sidecars: false })
  })
  after(async () => await cluster.down())

  test('act for no member that has not announced itself', async () => {
    for (const call of [
      "register('x')",
      "activate('x')",
      "update_address('x')",
      "set_coordinator_host('x')",
      "register_secondary('x', 'default')",
    ]) {
      await assert.rejects(
        as(`select citus_sidecar.${call}`),
        { code: '22023', message: /has not announced itself/ },
        call,
      )
    }
  })

  test('ask no address that nobody announced', async () => {
    await assert.rejects(as("select citus_sidecar.identity_at('localhost', 2)"), { code: '22023' })
  })

  test('take an announcement, and none that contradicts it', async () => {
    await say({})
    await say({ lsn: '0/3000000' })
    await assert.rejects(say({ system_identifier: '43' }), { code: '55000' })
    await assert.rejects(say({ lsn: '0/2000000' }), { code: '55000' })
    await assert.rejects(say({ timeline: 1, lsn: '0/9000000' }), { code: '55000' })
    await assert.rejects(say({ name: 'worker-8' }), { code: '23505' })
    for (const missing of ['name', 'role', 'host', 'port'])
      await assert.rejects(say({ [missing]: null }), { code: '22023' }, missing)
    await assert.rejects(say({ port: 'none' }), { code: '22P02' })
    const [kept] = await as(
      "select system_identifier, timeline, lsn::text from citus_sidecar.members where name = 'worker-9'",
    )
    assert.deepEqual(kept, { system_identifier: '42', timeline: 2, lsn: '0/3000000' })
  })

  test('take no lower position either where an announcement leaves out the rest', async () => {
    await assert.rejects(say({ lsn: '0/2000000', in_recovery: null }), { code: '55000' })
    await assert.rejects(say({ lsn: '0/2000000', timeline: null }), { code: '55000' })
    await assert.rejects(say({ lsn: null, timeline: 1 }), { code: '55000' })
  })

  test('take announcements of newer sidecars, and of standbys that are behind', async () => {
    await say({ lsn: '0/3000000', mood: 'good', load: [1] })
    await say({ name: 'standby-9', port: 9, in_recovery: true, lsn: '0/3000000' })
    await say({ name: 'standby-9', port: 9, in_recovery: true, lsn: '0/2000000' })
  })

  test('leave alone what an announcement without identity does not say', async () => {
    const identity = { system_identifier: null, timeline: null, lsn: null, in_recovery: null }
    await say({ ...identity, maintenance: { on: true, changedAt: 1, reason: '' } })
    await say({ ...identity, state: 'unready' })
    const [row] = await as(
      "select state, system_identifier, timeline, maintenance->>'on' as maintenance from citus_sidecar.members where name = 'worker-9'",
    )
    assert.deepEqual(row, { state: 'unready', system_identifier: '42', timeline: 2, maintenance: 'true' })
    await say({ lsn: '0/3000000' })
  })

  test('notify when something changed, and only then', async () => {
    const client = await cluster.coordinator.postgres.connect()
    try {
      const heard: string[] = []
      client.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload ?? ''}`))
      await client.query('listen citus_sidecar; listen done')
      const ours = 'citus_sidecar {"member": "worker-9"}'
      const after = async (...changes: object[]): Promise<string[]> => {
        for (const change of changes) await say({ lsn: '0/3000000', ...change })
        // Notifications come in the order of commits, so this one is behind all that there may be.
        await client.query('notify done')
        return heard.splice(0).filter((one) => one !== 'done ')
      }
      await after({ state: 'ready', ready: true })
      const same = { state: 'ready', ready: true }
      assert.deepEqual(
        await after(same, { ...same, lsn: '0/4000000' }, { ...same, lsn: '0/5000000', lag_bytes: 3 }),
        [],
      )
      const later = { lsn: '0/5000000' }
      assert.deepEqual(await after({ ...same, ...later, ready: false }), [ours])
      assert.deepEqual(await after({ ...later, state: 'unready' }), [ours])
      assert.deepEqual(await after({ ...later, state: 'unready', port: 3 }), [ours])
      await as("select citus_sidecar.accept_member('worker-9')")
      assert.deepEqual(await after({ ...later, state: 'unready', port: 3 }), [ours])
    } finally {
      await client.end()
    }
  })

  test('register nobody whose address does not answer, or answers as another server', async () => {
    await assert.rejects(as("select citus_sidecar.register('worker-9')"), { code: '08006' })
    await say({ lsn: '0/5000000', port: cluster.node('worker-1').pgPort })
    await assert.rejects(as("select citus_sidecar.register('worker-9')"), {
      code: '55000',
      message: /another PostgreSQL/,
    })
    assert.deepEqual(await nodes(), [])
    await say({ lsn: '0/5000000' })
  })

  test('register, activate and move who is what was announced', async () => {
    const { coordinator } = cluster
    const worker = cluster.node('worker-1')
    await sayTruth(coordinator, { group_id: 0 })
    await sayTruth(worker, { group_wanted: 2 })
    await as("select citus_sidecar.set_coordinator_host('coordinator')")
    await as("select citus_sidecar.register('worker-1')")
    await as("select citus_sidecar.activate('worker-1')")
    const row = { groupid: 2, nodename: 'localhost', nodeport: worker.pgPort, isactive: true, shouldhaveshards: true }
    const own = { ...row, groupid: 0, nodeport: coordinator.pgPort, shouldhaveshards: false }
    assert.deepEqual(await nodes(), [own, row])
    await sayTruth(worker, { group_id: 2, host: '127.0.0.1' })
    await as("select citus_sidecar.update_address('worker-1')")
    assert.deepEqual(await nodes(), [own, { ...row, nodename: '127.0.0.1' }])
    const [found] = await as('select citus_sidecar.identity_at($1, $2) as there', ['127.0.0.1', worker.pgPort])
    const [control] = await worker.postgres.query('select system_identifier::text as id from pg_control_system()')
    assert.deepEqual(found?.['there'], { systemIdentifier: control?.['id'], inRecovery: false })
    assert.deepEqual(await as('select citus_sidecar.timeline_history(1) as text'), [{ text: null }])
  })

  test('refuse what does not fit the member', async () => {
    for (const call of [
      "register('coordinator')",
      "register('standby-9')",
      "set_coordinator_host('worker-1')",
      "set_coordinator_host('coordinator')",
      "register_secondary('worker-1', 'default')",
      "register_secondary('standby-9', 'default')",
      "update_address('worker-9')",
    ])
      await assert.rejects(as(`select citus_sidecar.${call}`), { code: '22023' }, call)
  })

  test('do the same whatever the caller has put in their way', async () => {
    const before = await nodes()
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query(`
        set role citus_sidecar;
        create temp table members (like citus_sidecar.members);
        create temp table operations (like citus_sidecar.operations);
        create temp table pg_dist_node (like pg_catalog.pg_dist_node);
        create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select timestamptz '1970-01-01' $$;
        create function pg_temp.nextval(regclass) returns bigint language sql as $$ select 1000::bigint $$;
        create function pg_temp.citus_activate_node(text, integer) returns integer language sql as $$ select -1 $$;
        set search_path = pg_temp, citus_sidecar, pg_catalog`)
      const said = JSON.stringify({ ...announcement, lsn: '0/6000000' })
      const { rows } = await client.query('select name from announce($1::jsonb) order by name', [said])
      assert.deepEqual(
        rows.map((row: Record<string, unknown>) => row['name']),
        ['coordinator', 'standby-9', 'worker-1', 'worker-9'],
      )
      const activated = await client.query<{ id: number }>("select activate('worker-1') as id")
      assert.notEqual(activated.rows[0]?.id, -1)
      const operation = { id: randomUUID(), member: 'worker-9', kind: 'k', phase: 'p' }
      await client.query('select record_operation($1::jsonb)', [JSON.stringify(operation)])
      const caught = await client.query('select from pg_temp.members union all select from pg_temp.operations')
      assert.equal(caught.rowCount, 0)
    } finally {
      await client.end()
    }
    assert.deepEqual(await nodes(), before)
    const seen = "select from citus_sidecar.members where name = 'worker-9' and last_seen > now() - interval '1 hour'"
    assert.equal((await as(seen)).length, 1)
    assert.equal((await as("select from citus_sidecar.operations where member = 'worker-9'")).length, 1)
  })

  test('are the only way to write, and keep their inner functions to themselves', async () => {
    for (const sql of [
      "insert into citus_sidecar.members (name, role, host, port) values ('y', 'worker', 'h', 1)",
      "update citus_sidecar.members set name = 'y'",
      'delete from citus_sidecar.members',
      "insert into citus_sidecar.operations (id, member, kind, phase) values (gen_random_uuid(), 'm', 'k', 'p')",
      "update citus_sidecar.operations set phase = 'y'",
      'delete from citus_sidecar.operations',
      'truncate citus_sidecar.operations',
      'create table citus_sidecar.own (id int)',
      'update citus_sidecar.schema_version set version = 2',
      "select citus_sidecar.known_member('worker-9')",
      'select citus_sidecar.check_identity(m) from citus_sidecar.members m',
    ])
      await assert.rejects(as(sql), { code: '42501' }, sql)
    await assert.rejects(as("select citus_add_node('localhost', 1)"), { code: /^(42501|XX000)$/ })
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query('create role stranger; set role stranger')
      await assert.rejects(client.query('select from citus_sidecar.members'), { code: '42501' })
      await assert.rejects(client.query("select citus_sidecar.announce('{}')"), { code: '42501' })
    } finally {
      await client.end()
    }
  })

  test('are for nobody but whom they are granted to, on any node', async () => {
    for (const { postgres } of cluster.nodes)
      assert.deepEqual(
        await postgres.query(`
          select p.proname from pg_proc p
           where p.pronamespace = 'citus_sidecar'::regnamespace and p.prosecdef and has_function_privilege('public', p.oid, 'execute')`),
        [],
      )
  })

  test('keep at most a thousand operations', async () => {
    const first = randomUUID()
    const record = 'select citus_sidecar.record_operation($1::jsonb)'
    const operation = { id: first, member: 'm', kind: 'k', phase: 'acting' }
    await as(record, [JSON.stringify(operation)])
    await as(record, [JSON.stringify({ ...operation, phase: 'done', outcome: 'succeeded' })])
    const byId = 'select phase, outcome, ended_at is not null as ended from citus_sidecar.operations where id = $1'
    assert.deepEqual(await as(byId, [first]), [{ phase: 'done', outcome: 'succeeded', ended: true }])
    await as(`
      select citus_sidecar.record_operation(jsonb_build_object('id', gen_random_uuid(), 'member', 'm', 'kind', 'k', 'phase', 'p'))
        from generate_series(1, 1010)`)
    const [row] = await as('select count(*)::int as count from citus_sidecar.operations')
    assert.equal(row?.['count'], 1000)
    assert.deepEqual(await as(byId, [first]), [])
  })
})
