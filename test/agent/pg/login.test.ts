// Opening a connection: what a wrong password, a missing database or an unreadable secret look like, that secrets are
// read again at every connect, and that nothing is left behind by a login that does not come through.
import assert from 'node:assert/strict'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Config } from '../../../agent/config.ts'
import { connect, destroyClient } from '../../../agent/pg/connect.ts'
import { localTarget } from '../../../agent/pg/conninfo.ts'
import { Session } from '../../../agent/pg/session.ts'
import { describeError } from '../../../agent/loop/describe.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'
import type { PostgresServer } from '../../../deploy/local/postgres-server.ts'
import { acceptanceOf } from '../../../probes/postgres/acceptance.ts'
import { configFor } from '../../support/config-for.ts'
import { HalfOpenProxy } from '../../support/half-open-proxy.ts'
import { noSessions } from '../../support/server-sessions.ts'

suite('a login', () => {
  let lone: LoneServer
  let server: PostgresServer
  let passwordFile: string
  const never = new AbortController().signal

  before(async () => {
    lone = await startPostgres({ database: 'app' })
    server = lone.postgres
    passwordFile = join(server.spec.folder, 'password-that-changes')
    await server.query("create role someone login password 'first'")
  })
  after(async () => await lone.down())

  async function config(env: Readonly<Record<string, string>> = {}): Promise<Config> {
    await writeFile(passwordFile, 'first\n')
    return await configFor(server, { PGUSER: 'someone', CITUS_SIDECAR_PASSWORD_FILE: passwordFile, ...env })
  }

  async function login(to: Config, signal = never): Promise<void> {
    const client = await connect(to, localTarget(to, 'login'), signal)
    await client.end()
    destroyClient(client)
  }

  /** What a failed login is taken for, and what it says. */
  async function failure(to: Config, signal = never): Promise<{ state: string; message: string }> {
    const error = await login(to, signal).then(
      () => assert.fail('the login came through'),
      (reason: unknown) => describeError(reason),
    )
    return { state: acceptanceOf(error), message: error.message }
  }

  test('works with the password in the file, and without TLS where the server has none and it is only preferred', async () => {
    await login(await config())
    await login(await config({ PGSSLMODE: 'prefer' }))
    assert.deepEqual(await failure(await config({ PGSSLMODE: 'require' })), {
      state: 'failed',
      message: 'The server does not support SSL connections',
    })
  })

  test('reads the password again each time, so that a rotated one is used without a restart', async () => {
    const settings = await config()
    await using session = new Session(settings, {
      target: async () => await Promise.resolve(localTarget(settings, 'rotated')),
    })
    const ask = async (): Promise<unknown> =>
      await session.query('select current_user as who', [], { timeout: 10_000, signal: never })
    assert.deepEqual(await ask(), [{ who: 'someone' }])
    await server.query("alter role someone password 'second'")
    assert.deepEqual(await ask(), [{ who: 'someone' }], 'a session that is open needs no password')
    session.drop()
    await assert.rejects(ask, { code: 'CONNECT_FAILED' })
    // As the kubelet does it: the new file takes the old one's place at once.
    await writeFile(`${passwordFile}.new`, 'second')
    await rename(`${passwordFile}.new`, passwordFile)
    assert.deepEqual(await ask(), [{ who: 'someone' }])
    await server.query("alter role someone password 'first'")
  })

  test('with a wrong password, an unknown role or to a database that is not there says so', async () => {
    const settings = await config()
    await writeFile(passwordFile, 'wrong')
    const wrong = await failure(settings)
    assert.equal(wrong.state, 'login-refused')
    assert.match(wrong.message, /password authentication failed for user "someone" \[28P01\]/)
    assert.equal((await failure(await config({ PGUSER: 'nobody_knows' }))).state, 'login-refused')
    const missing = await failure(await config({ PGDATABASE: 'missing' }))
    assert.equal(missing.state, 'no-database')
    assert.match(missing.message, /database "missing" does not exist/)
    await server.query('alter role someone nologin')
    assert.equal((await failure(await config())).state, 'login-refused')
    await server.query('alter role someone login')
  })

  test('blames the secret and not the server when the password file is gone or empty', async () => {
    const settings = await config()
    await writeFile(passwordFile, '\n')
    assert.deepEqual(await failure(settings), { state: 'failed', message: `${passwordFile} is empty` })
    await rm(passwordFile)
    const gone = await failure(settings)
    assert.equal(gone.state, 'failed')
    assert.match(gone.message, /password-that-changes cannot be read: ENOENT/)
  })

  test('where nothing listens is refused, over TCP and on a socket', async () => {
    await using proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: server.port })
    const { port } = proxy
    await proxy[Symbol.asyncDispose]()
    assert.equal((await failure(await config({ PGPORT: String(port) }))).state, 'refused')
    assert.equal((await failure(await config({ PGHOST: server.spec.folder }))).state, 'refused')
  })

  test('that is swallowed ends at its deadline, and when its signal aborts', async () => {
    await using proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: server.port })
    proxy.swallow()
    const settings = await config({ PGPORT: String(proxy.port), CITUS_SIDECAR_CONNECT_TIMEOUT: '300ms' })
    assert.deepEqual(await failure(settings), { state: 'frozen', message: 'no answer to the login within 300 ms' })
    const impatient = await config({ PGPORT: String(proxy.port) })
    assert.equal((await failure(impatient, AbortSignal.timeout(100))).state, 'frozen')
    assert.match((await failure(impatient, AbortSignal.abort(new Error('enough')))).message, /^enough$/)
    proxy.flow()
    await login(impatient)
    await noSessions(server)
  })

  test('to a server that is frozen for so long that it has no room for callers is still known as frozen', async () => {
    const settings = await config({ PGHOST: server.socketDir, CITUS_SIDECAR_CONNECT_TIMEOUT: '200ms' })
    await server.freeze({ postmaster: true })
    try {
      // The kernel keeps twice max_connections callers of a socket waiting, then it turns them away at once.
      const states = await Promise.all(Array.from({ length: 200 }, async () => (await failure(settings)).state))
      assert.deepEqual([...new Set(states)], ['frozen'])
    } finally {
      server.thaw()
    }
    await eventually('it accepts logins again', async () => {
      await login(settings)
      return true
    })
  })
})
