// A held connection over a network that swallows bytes while its sockets stay open: noticed within the limit of the
// query, healed as soon as bytes flow, and nothing is left on the server.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import type { Config } from '../../../agent/config.ts'
import { localTarget } from '../../../agent/pg/conninfo.ts'
import { Session } from '../../../agent/pg/session.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'
import type { PostgresServer } from '../../../deploy/local/postgres-server.ts'
import { configFor } from '../../support/config-for.ts'
import { HalfOpenProxy } from '../../support/half-open-proxy.ts'
import { noSessions, sidecarSessions } from '../../support/server-sessions.ts'

const name = 'citus-sidecar/test'
const pidSql = 'select pg_backend_pid() as pid'

suite('a session over a half-open connection', () => {
  let lone: LoneServer
  let server: PostgresServer
  let proxy: HalfOpenProxy
  let config: Config
  let session: Session
  const never = new AbortController().signal
  const brief = { timeout: 300, signal: never }
  const patient = { timeout: 10_000, signal: never }

  before(async () => {
    lone = await startPostgres()
    server = lone.postgres
    proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: server.port })
    config = await configFor(server, {
      PGPORT: String(proxy.port),
      CITUS_SIDECAR_CONNECT_TIMEOUT: '300ms',
      CITUS_SIDECAR_STATEMENT_TIMEOUT: '5m',
    })
  })
  afterEach(async () => {
    proxy.flow()
    await session[Symbol.asyncDispose]()
    await noSessions(server)
  })
  after(async () => {
    await proxy[Symbol.asyncDispose]()
    await lone.down()
  })

  async function open(): Promise<number> {
    session = new Session(config, { target: async () => await Promise.resolve(localTarget(config, 'test')) })
    return await pid()
  }

  async function pid(): Promise<number> {
    const [row] = await session.query<{ pid: number }>(pidSql, [], patient)
    return row?.pid ?? 0
  }

  test('notices within the limit of the query, and heals over a new connection', async () => {
    const before = await open()
    proxy.swallowOpen(name)
    await assert.rejects(session.query('select 1', [], brief), { code: 'QUERY_TIMEOUT' })
    await eventually('it is given up', () => proxy.open(name) === 0)
    assert.notEqual(await pid(), before)
    // The server hears nothing of the end of the old one until bytes flow again.
    assert.equal((await sidecarSessions(server)).length, 2)
    proxy.flow()
    await eventually('only the new one is left', async () => (await sidecarSessions(server)).length === 1)
  })

  test('cancels on the server what it no longer hears of, over a connection of its own', async () => {
    await open()
    const asked = session.query('select pg_sleep(300)', [], { timeout: 1_000, signal: never })
    asked.catch(() => undefined)
    await eventually('the query runs', async () =>
      (await sidecarSessions(server)).some((one) => one.query.includes('pg_sleep') && one.state === 'active'),
    )
    proxy.swallowOpen(name)
    await assert.rejects(asked, { code: 'QUERY_TIMEOUT' })
    await eventually('the query is cancelled', async () =>
      (await sidecarSessions(server)).every((one) => one.state !== 'active'),
    )
    assert.ok((proxy.made.get('cancel request') ?? 0) > 0)
  })

  test('fails every attempt while nothing passes, bounded by the login, and heals when bytes flow', async () => {
    const before = await open()
    proxy.swallow()
    await assert.rejects(session.query('select 1', [], brief), { code: 'QUERY_TIMEOUT' })
    for (let attempt = 0; attempt < 3; attempt += 1)
      await assert.rejects(session.query('select 1', [], brief), {
        code: 'CONNECT_FAILED',
        message: /no answer to the login/,
      })
    proxy.flow()
    assert.notEqual(await pid(), before)
    await eventually('no attempt left anything', async () => (await sidecarSessions(server)).length === 1)
  })

  test('heals after connections were refused and closed', async () => {
    let closed = 0
    await open()
    await session[Symbol.asyncDispose]()
    session = new Session(config, {
      target: async () => await Promise.resolve(localTarget(config, 'test')),
      onClosed: () => (closed += 1),
    })
    await pid()
    proxy.refuse(name)
    proxy.close(name)
    await eventually('the end is noticed without a query', () => closed === 1)
    await assert.rejects(session.query('select 1', [], brief), { code: 'CONNECT_FAILED' })
    proxy.flow()
    assert.ok((await pid()) > 0)
  })
})
