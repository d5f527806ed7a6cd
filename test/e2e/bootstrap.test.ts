// `citus-sidecar bootstrap` on real servers: it prepares one node and touches no other, again and again without harm,
// refuses what would be wrong, and leaves neither rights nor passwords lying about.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Client } from 'pg'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { schemaVersion } from '../../agent/cluster/schema.ts'
import { joined, statusOf } from '../support/joining.ts'

const database = 'app'

suite('bootstrap', () => {
  let cluster: LocalCluster
  let coordinator: LocalNode
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      standbys: [{ of: 'coordinator', name: 'standby' }],
      prepare: 'nothing',
      env: { PGDATABASE: database },
      postgresSettings: { log_statement: 'all' },
    })
    coordinator = cluster.coordinator
    worker = cluster.node('worker-1')
  })
  after(async () => await cluster.down())

  const query = async (node: LocalNode, sql: string): Promise<Record<string, unknown>[]> =>
    await node.postgres.query(sql, [], { database })

  /** Runs it and returns what it did. */
  const bootstrap = async (node: LocalNode, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await node.command(['bootstrap', ...args])
    assert.equal(code, 0, stderr)
    return stdout
  }
  /** Runs it and returns why it did nothing. */
  const refused = async (node: LocalNode, args: string[], env: Record<string, string> = {}): Promise<string> => {
    const { code, stdout, stderr } = await node.command(['bootstrap', ...args], env)
    assert.deepEqual([code, stdout], [1, ''], stderr)
    return stderr
  }

  test('without --create it refuses a database that is missing, and one without Citus', async () => {
    assert.match(await refused(coordinator, []), /^citus-sidecar: CONNECT_FAILED: .*database "app" does not exist/)
    assert.match(
      await refused(coordinator, [], { PGDATABASE: 'postgres' }),
      /^citus-sidecar: BOOTSTRAP_FAILED: database postgres has no extension citus; create it, check PGDATABASE, or use --create\n$/,
    )
    assert.deepEqual(await coordinator.postgres.query(`select from pg_roles where rolname = 'citus_sidecar'`), [])
  })

  test('with --create it makes database, extension, role and schema, also when two run at once', async () => {
    assert.equal(
      await bootstrap(coordinator, '--create'),
      [
        'database app created',
        'extension citus created in app',
        'role citus_sidecar created',
        `schema citus_sidecar created, version ${schemaVersion}\n`,
      ].join('\n'),
    )
    const both = await Promise.all([bootstrap(worker, '--create', '--json'), bootstrap(worker, '--create', '--json')])
    const steps = both.flatMap((text) => (JSON.parse(text) as { steps: string[] }).steps)
    for (const step of ['extension citus created in app', 'role citus_sidecar created'])
      assert.equal(steps.filter((one) => one === step).length, 1, steps.join('\n'))
    assert.deepEqual(await query(worker, `select extname from pg_extension where extname = 'citus'`), [
      { extname: 'citus' },
    ])
  })

  test('changes nothing when it runs again', async () => {
    for (const node of [coordinator, worker]) {
      const before = await prepared(node)
      assert.ok(before.length > 5)
      assert.match(await bootstrap(node, '--create'), /^schema citus_sidecar /)
      await bootstrap(node)
      assert.deepEqual(await prepared(node), before)
    }
  })

  test('gives the role no more than it needs', async () => {
    for (const node of [coordinator, worker]) {
      const [role] = await query(
        node,
        `select rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
                (select array_agg(g.rolname::text) from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) as groups
           from pg_roles r where rolname = 'citus_sidecar'`,
      )
      const no = {
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        rolbypassrls: false,
      }
      assert.deepEqual(role, { rolcanlogin: true, ...no, groups: ['pg_monitor'] })
    }
  })

  test('has nothing to do on a standby', async () => {
    const standby = cluster.node('standby')
    for (const args of [[], ['--create']])
      assert.equal(
        await bootstrap(standby, ...args),
        'this server is a standby: everything comes from its primary, nothing to do\n',
      )
  })

  test('stays on its node: nothing is distributed, and a worker that joins gets no ledger', async () => {
    await query(coordinator, `select citus_set_coordinator_host('localhost', ${coordinator.pgPort})`)
    await query(coordinator, `select citus_add_node('localhost', ${worker.pgPort}, 2)`)
    await bootstrap(coordinator)
    assert.deepEqual(
      await query(
        worker,
        `select relname from pg_class where relnamespace = 'citus_sidecar'::regnamespace and relkind = 'r' order by 1`,
      ),
      [{ relname: 'last_stop' }, { relname: 'notebook' }, { relname: 'schema_version' }],
    )
    if (cluster.kind !== 'citus') return
    const ours = `select object from pg_dist_object, pg_identify_object(classid, objid, objsubid) as known(type, schema, name, object)
                   where schema = 'citus_sidecar' or object like '%citus_sidecar%'`
    for (const node of [coordinator, worker]) assert.deepEqual(await query(node, ours), [])
  })

  test('mends an older version of itself while another node is down', async () => {
    const before = await prepared(coordinator)
    await worker.postgres.stop()
    await query(coordinator, 'update citus_sidecar.schema_version set version = 0')
    await query(coordinator, 'drop function citus_sidecar.record_operation(jsonb)')
    await query(coordinator, 'alter table citus_sidecar.members drop column heartbeat_seconds')
    assert.equal(await bootstrap(coordinator), `schema citus_sidecar brought from version 0 to ${schemaVersion}\n`)
    assert.deepEqual(await prepared(coordinator), before)
    await worker.postgres.start()
  })

  test('leaves a newer version of itself alone', async () => {
    await query(coordinator, 'update citus_sidecar.schema_version set version = 99')
    await query(coordinator, 'alter function citus_sidecar.record_operation(jsonb) rename to record_better')
    const newer = await prepared(coordinator)
    assert.equal(
      await bootstrap(coordinator),
      `schema citus_sidecar has version 99, newer than this sidecar's ${schemaVersion}: left as it is\n`,
    )
    assert.deepEqual(await prepared(coordinator), newer)
    await query(coordinator, 'alter function citus_sidecar.record_better(jsonb) rename to record_operation')
    await query(coordinator, `update citus_sidecar.schema_version set version = ${schemaVersion}`)
  })

  test('refuses a bootstrap user that is no superuser, and a superuser for the sidecar', async () => {
    await query(coordinator, 'set citus.enable_ddl_propagation = off; create role plain login createrole')
    const before = await prepared(coordinator)
    assert.match(
      await refused(coordinator, [], { CITUS_SIDECAR_BOOTSTRAP_USER: 'plain' }),
      /BOOTSTRAP_FAILED: CITUS_SIDECAR_BOOTSTRAP_USER: plain is no superuser; allowed: /,
    )
    assert.match(
      await refused(coordinator, [], { PGUSER: 'postgres' }),
      /BOOTSTRAP_FAILED: PGUSER: postgres is a superuser; allowed: /,
    )
    assert.deepEqual(await prepared(coordinator), before)
  })

  test('refuses a wrong and an empty bootstrap password, without telling it', async () => {
    const file = join(cluster.dir, 'bootstrap-password')
    const env = { PGHOST: 'localhost', CITUS_SIDECAR_BOOTSTRAP_PASSWORD_FILE: file }
    await writeFile(file, 'not-the-password\n', { mode: 0o600 })
    const wrong = await refused(coordinator, [], env)
    assert.match(wrong, /^citus-sidecar: CONNECT_FAILED: .*password authentication failed for user "postgres"/)
    assert.ok(!wrong.includes('not-the-password'))
    await writeFile(file, '\n')
    const empty = await coordinator.command(['bootstrap'], env)
    assert.equal(empty.code, 2)
    assert.match(empty.stderr, /^CITUS_SIDECAR_BOOTSTRAP_PASSWORD_FILE: .*the file is empty/)
    await writeFile(file, `${cluster.passwords.postgres}\n`)
    const { code, stderr } = await coordinator.command(['bootstrap'], env)
    assert.equal(code, 0, stderr)
  })

  test('changes the password: the sidecar logs in with the new one, nobody with the old one', async () => {
    const { citus_sidecar: old } = cluster.passwords
    assert.equal(await login(old), 'logged in')
    await writeFile(coordinator.passwordFile, 'a new "pass\' wörd\n')
    await bootstrap(coordinator)
    assert.equal(await login(old), '28P01')
    assert.equal(await login('a new "pass\' wörd'), 'logged in')
    coordinator.sidecar.start({ PGHOST: 'localhost' })
    await joined(coordinator)
  })

  test('makes a running sidecar look at once, and needs none', async () => {
    const begun = async (): Promise<number> =>
      (await statusOf(coordinator)).readings['citus.versions']?.begunAt ?? Number.NaN
    const pauses: number[] = []
    for (let look = 0; look < 5; look += 1) {
      const before = await begun()
      await bootstrap(coordinator)
      pauses.push(await eventually('it looks', async () => Math.max(0, (await begun()) - before)))
    }
    // By itself it comes to this probe every ten seconds; where each bootstrap takes as long as that, nothing would tell them apart.
    assert.ok(Math.min(...pauses) < 9_000, pauses.join(', '))
    assert.equal(worker.sidecar.pid, undefined)
    await bootstrap(worker)
  })

  test('never shows a password to the server or its log', async () => {
    const log = await readFile(coordinator.postgres.logFile, 'utf8')
    assert.match(log, /statement: .*/)
    for (const secret of [cluster.passwords.citus_sidecar, 'a new "pass', 'SCRAM-SHA-256$'])
      assert.ok(!log.includes(secret), secret)
  })

  /** Everything of the sidecar's in the database, with the rights on it. */
  async function prepared(node: LocalNode): Promise<unknown[]> {
    return await query(
      node,
      `select 'function' as kind, p.oid::regprocedure::text as name, md5(prosrc) || prosecdef || coalesce(proconfig::text, '') as body, proacl::text as rights
         from pg_proc p where pronamespace = 'citus_sidecar'::regnamespace
       union all select 'relation', relname, relkind::text, relacl::text from pg_class where relnamespace = 'citus_sidecar'::regnamespace
       union all select 'schema', nspname, '', nspacl::text from pg_namespace where nspname = 'citus_sidecar'
       union all select 'version', 'schema', version::text, '' from citus_sidecar.schema_version
       union all select 'role', rolname, rolsuper::text, '' from pg_roles where rolname !~ '^pg_' order by 1, 2`,
    )
  }

  /** Logs in as the sidecar over TCP; the SQLSTATE where that is refused. */
  async function login(password: string): Promise<unknown> {
    const { host, pgPort: port } = coordinator
    const client = new Client({ host, port, database, user: 'citus_sidecar', password, ssl: false })
    try {
      await client.connect()
      return 'logged in'
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error
    } finally {
      await client.end()
    }
  }
})
