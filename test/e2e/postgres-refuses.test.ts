// PostgreSQL runs but does not do what is asked of it: no free slot, read-only, no such database, no extension, wrong
// password, wrong version. Each has its own reason, counts as started, and heals without a restart.
import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { TakenSlots } from '../support/connection-slots.ts'
import { sidecarSessions } from '../support/server-sessions.ts'
import { complaints, joined, patience, quick, statusOf } from '../support/joining.ts'

suite('a sidecar whose PostgreSQL', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let server: PostgresServer

  before(async () => {
    cluster = await startCluster({ workers: 0, env: quick, postgresSettings: { max_connections: '25' } })
    node = cluster.coordinator
    server = node.postgres
  })
  after(async () => await cluster.down())

  /** Waits until a page has this status and this line in it. */
  async function says(path: string, status: number, line: RegExp): Promise<void> {
    let last = ''
    await eventually(
      `${path} is ${status} and says ${line}`,
      async () => {
        const answer = await node.sidecar.get(`${path}?verbose`)
        last = `${answer.status} ${answer.body}`
        return answer.status === status && line.test(answer.body)
      },
      { deadline: patience, context: () => last },
    )
  }

  async function restarted(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await node.sidecar.stop()
    node.sidecar.start(env)
    await node.sidecar.answers('/livez')
  }

  test('has no free slot any more stays ready with a warning, for its own sessions are open', async () => {
    const { flips } = await statusOf(node)
    {
      await using _taken = await TakenSlots.take(server)
      await says(
        '/readyz',
        200,
        /^\[!\]connections warning: PostgreSQL has no free connection slot \(a new connection met: .*\[53300\]\); look who holds/m,
      )
      await says('/readyz', 200, /^\[!\]registered warning: stale: verified .* ago, .*\[53300\]/m)
      await says('/startupz', 200, /ok/)
    }
    await says('/readyz', 200, /^\[\+\]connections ok/m)
    await joined(node)
    assert.deepEqual((await statusOf(node)).flips, flips)
  })

  test('had no free slot before it began is started, not ready, and says why until there is one', async () => {
    await node.sidecar.stop()
    {
      await using _taken = await TakenSlots.take(server)
      await restarted()
      await says(
        '/readyz',
        503,
        /^\[-\]postgres failed: PostgreSQL has no free connection slot \(.*\[53300\]\); look who holds them in pg_stat_activity/m,
      )
      await says('/startupz', 200, /^\[\+\]postgres ok: PostgreSQL has no free connection slot/m)
    }
    await joined(node)
  })

  test('is read-only is not ready, and becomes ready', async () => {
    await server.query("alter system set default_transaction_read_only = 'on'")
    await server.query('select pg_reload_conf()')
    await says(
      '/readyz',
      503,
      /^\[-\]writable failed: PostgreSQL is read-only \(.*\[25006\]\); look at default_transaction_read_only/m,
    )
    await says('/readyz', 503, /^\[\+\]postgres ok/m)
    const session = await server.connect()
    await session.query('set default_transaction_read_only = off')
    await session.query('alter system reset default_transaction_read_only')
    await session.query('select pg_reload_conf()')
    await session.end()
    await joined(node)
  })

  test('has no such database says so, then that the extension is missing, and is ready once bootstrap has run', async () => {
    const env = { PGDATABASE: 'later' }
    await restarted(env)
    await says(
      '/readyz',
      503,
      /^\[-\]postgres failed: the database does not exist \(database "later" does not exist \[3D000\]\); check PGDATABASE/m,
    )
    await says('/startupz', 200, /^\[\+\]postgres ok: the database does not exist/m)
    await server.query('create database later')
    await says('/readyz', 503, /^\[-\]versions failed: the Citus extension is not in this database; check PGDATABASE/m)
    await says('/readyz', 503, /^\[\+\]postgres ok/m)
    const { code, stderr } = await node.command(['bootstrap', '--create'], env)
    assert.equal(code, 0, stderr)
    await joined(node)
  })

  test('refuses its password says so, and takes the right one without a restart', async () => {
    const passwordFile = join(server.spec.folder, 'rotated-password')
    const write = async (password: string): Promise<void> => {
      await writeFile(`${passwordFile}.new`, password, { mode: 0o600 })
      await rename(`${passwordFile}.new`, passwordFile)
    }
    await write('wrong')
    // Over TCP, where a password is asked for.
    await restarted({ PGHOST: 'localhost', CITUS_SIDECAR_PASSWORD_FILE: passwordFile })
    await says(
      '/readyz',
      503,
      /^\[-\]postgres failed: PostgreSQL refused the login of the sidecar \(password authentication failed .*\[28P01\]\); check PGUSER/m,
    )
    await says('/startupz', 200, /^\[\+\]postgres ok: PostgreSQL refused the login/m)
    await write(`${cluster.passwords.citus_sidecar}\n`)
    await joined(node)
    await server.query("alter role citus_sidecar password 'rotated'")
    await says('/readyz', 200, /^\[!\]connections warning: PostgreSQL refused the login of the sidecar/m)
    await write('rotated')
    await says('/readyz', 200, /^\[\+\]connections ok/m)
    await server.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'citus-sidecar/%'",
    )
    await eventually('both held sessions are back', async () => {
      const uses = (await sidecarSessions(server)).map(({ use }) => use)
      return uses.includes('verdict') && uses.includes('probe')
    })
    await joined(node)
    await server.query(`alter role citus_sidecar password '${cluster.passwords.citus_sidecar}'`)
  })

  test('has an extension of another version than its library is not ready, and is once they agree', async () => {
    const set = 'update pg_catalog.pg_extension set extversion = $1 where extname = $2 returning extversion'
    const [known] = await server.query<{ extversion: string }>(
      "select extversion from pg_extension where extname = 'citus'",
    )
    await server.query(set, ['12.1-1', 'citus'])
    await restarted()
    await says('/readyz', 503, /^\[-\]versions failed: .*12\.1-1.*; .*ALTER EXTENSION citus UPDATE/m)
    await says('/readyz', 503, /^\[\+\]postgres ok/m)
    await server.query(set, [known?.extversion, 'citus'])
    await joined(node)
  })

  test('has given it nothing to complain about', () => assert.deepEqual(complaints(node), []))
})
