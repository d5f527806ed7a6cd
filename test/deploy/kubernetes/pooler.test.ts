// PgBouncer with the configuration and the list of users of the manifests, for real: clients get through, and the sidecar, which has the same
// operating system user, gets into the console without a password.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Client } from 'pg'
import { loadConfig } from '../../../agent/config.ts'
import { connect } from '../../../agent/pg/connect.ts'
import { consoleTarget } from '../../../agent/pg/conninfo.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { reservePort } from '../../../deploy/local/free-ports.ts'
import type { ReservedPort } from '../../../deploy/local/free-ports.ts'
import { startPostgres } from '../../../deploy/local/lone-server.ts'
import type { LoneServer } from '../../../deploy/local/lone-server.ts'
import { findPgBouncer } from '../../../deploy/local/pgbouncer-process.ts'
import { runProgram } from '../../../deploy/local/run-program.ts'
import { makeFolder, writeOwnedFile } from '../../../deploy/local/server-user.ts'
import { manifestText, moved, scriptOf } from '../../support/kubernetes/scripts.ts'
import { withoutPgBouncer } from '../../support/pool-holds.ts'

suite('PgBouncer as in the manifests', { skip: withoutPgBouncer }, () => {
  const stop = new AbortController()
  let server: LoneServer
  let port: ReservedPort
  let folder: string
  let ended: Promise<unknown>

  before(async () => {
    server = await startPostgres({ database: 'app' })
    await server.postgres.query(`create role app login password 'say "hello"'`)
    port = await reservePort()
    const { folder: home, user } = server.postgres.spec
    folder = join(home, 'pooler')
    for (const path of [folder, ...['passwords', 'run', 'socket'].map((name) => join(folder, name))])
      await makeFolder(path, 0o755, user)
    const paths = {
      '/etc/citus/passwords': join(folder, 'passwords'),
      '/run/citus': join(folder, 'run'),
      '/var/run/postgresql': join(folder, 'socket'),
    }
    await writeOwnedFile(join(folder, 'passwords', 'app'), 'say "hello"\n', 0o440, user)
    const options = { env: { PATH: process.env['PATH'] }, user, cwd: '/' }
    const script = moved(scriptOf('components/pooler/pooler.yaml', 'userlist'), paths)
    const { code, stderr } = await runProgram('sh', ['-euc', script], options)
    assert.equal(code, 0, stderr)
    const { host, port: serverPort } = server.postgres
    const ini = moved(manifestText('components/pooler/pgbouncer.ini'), {
      ...paths,
      'host=citus-direct port=5432': `host=${host} port=${serverPort}`,
      'listen_addr = *': 'listen_addr = localhost',
      '= 6432': `= ${port.port}`,
    })
    await writeOwnedFile(join(folder, 'pgbouncer.ini'), ini, 0o644)
    ended = runProgram(
      findPgBouncer(),
      [join(folder, 'pgbouncer.ini')],
      { ...options, deadline: 200_000 },
      stop.signal,
    ).catch(() => undefined)
  })
  after(async () => {
    stop.abort()
    await ended
    await server.down()
    port.release()
  })

  /** What a client of PgBouncer is told. */
  const ask = async (user: string, password: string): Promise<unknown> => {
    const client = new Client({ host: 'localhost', port: port.port, user, password, database: 'app' })
    try {
      await client.connect()
      return (await client.query('select current_user as "user", current_database() as "in"')).rows[0]
    } catch (error) {
      return error instanceof Error ? error.message : error
    } finally {
      await client.end()
    }
  }

  test('has the list of users that a Secret makes', async () => {
    assert.equal(await readFile(join(folder, 'run', 'userlist.txt'), 'utf8'), '"app" "say ""hello"""\n')
  })

  test('lets clients through to the database, with their own password alone', async () => {
    await eventually('a client gets through', async () => typeof (await ask('app', 'say "hello"')) === 'object', {
      deadline: 30_000,
    })
    assert.deepEqual(await ask('app', 'say "hello"'), { user: 'app', in: 'app' })
    assert.match(String(await ask('app', 'say hello')), /authentication failed/)
    assert.match(String(await ask('postgres', server.postgres.spec.passwords.postgres)), /authentication failed/)
  })

  test('lets the sidecar into the console without a password, because both are one user', async () => {
    const config = loadConfig(
      {
        CITUS_SIDECAR_ROLE: 'pooler',
        CITUS_SIDECAR_COORDINATOR: 'citus-direct',
        CITUS_SIDECAR_PGBOUNCER_HOST: join(folder, 'socket'),
        CITUS_SIDECAR_PGBOUNCER_PORT: String(port.port),
        CITUS_SIDECAR_PGBOUNCER_USER: 'pgbouncer',
      },
      'pooler',
    )
    const { user } = server.postgres.spec
    const enter = async (): Promise<Client> =>
      await connect(config, consoleTarget(config, 'probe'), AbortSignal.timeout(10_000))
    // The kernel tells PgBouncer as whom a socket was connected.
    if (user !== undefined) process.seteuid?.(user.uid)
    const client = await enter().finally(() => process.seteuid?.(process.getuid?.() ?? 0))
    await client.query('pause app')
    await client.query('resume app')
    await client.end()
    if (user !== undefined) await assert.rejects(enter(), /as pgbouncer: /)
  })
})
