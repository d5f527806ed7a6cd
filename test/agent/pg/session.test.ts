// A held connection on a real server: bounded, cancelled on the server too, reopened after every kind of end.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, before, suite, test } from 'node:test'
import type { Config } from '../../../agent/config.ts'
import { localTarget } from '../../../agent/pg/conninfo.ts'
import { Session, type SessionOptions } from '../../../agent/pg/session.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'
import type { PostgresServer } from '../../../deploy/local/postgres-server.ts'
import { configFor } from '../../support/config-for.ts'
import { noSessions, sidecarSessions } from '../../support/server-sessions.ts'

const pidSql = 'select pg_backend_pid() as pid'

suite('a session', () => {
  let lone: LoneServer
  let server: PostgresServer
  let config: Config
  let session: Session
  const never = new AbortController().signal
  const patient = { timeout: 10_000, signal: never }

  before(async () => {
    lone = await startPostgres()
    server = lone.postgres
    // Longer than any wait here: what ends a query in time is then the session, never the server.
    config = await configFor(server, { CITUS_SIDECAR_STATEMENT_TIMEOUT: '5m' })
  })
  afterEach(async () => await session[Symbol.asyncDispose]())
  after(async () => await lone.down())

  function open(options: Partial<SessionOptions> = {}): Session {
    session = new Session(config, {
      target: async () => await Promise.resolve(localTarget(config, 'test')),
      ...options,
    })
    return session
  }

  async function pidOf(one: Session): Promise<number> {
    const [row] = await one.query<{ pid: number }>(pidSql, [], patient)
    return row?.pid ?? 0
  }

  /** Waits until the session's own query is seen to run on the server. */
  async function running(): Promise<void> {
    await eventually('the query runs', async () =>
      (await sidecarSessions(server)).some((one) => one.state === 'active' && one.query.includes('pg_sleep')),
    )
  }

  test('runs queries on one and the same connection, with its name and its limits on the server', async () => {
    open()
    assert.equal(session.connected, false)
    const pid = await pidOf(session)
    assert.equal(await pidOf(session), pid)
    assert.equal(session.connected, true)
    const rows = await session.query(
      `select $1::int + 1 as n, current_setting('application_name') as name, current_setting('statement_timeout') as statement,
              current_setting('lock_timeout') as lock, current_setting('tcp_keepalives_idle') as keepalive`,
      [41],
      patient,
    )
    assert.deepEqual(rows, [{ n: 42, name: 'citus-sidecar/test', statement: '5min', lock: '1s', keepalive: '10' }])
  })

  test('opens one connection for callers that come together, and runs their queries one after the other', async () => {
    open()
    const pids = await Promise.all([pidOf(session), pidOf(session), pidOf(session)])
    assert.equal(new Set(pids).size, 1)
    assert.equal((await sidecarSessions(server)).length, 1)
  })

  test('passes the error of the server on and keeps the connection', async () => {
    open()
    const pid = await pidOf(session)
    await assert.rejects(session.query('select 1 / 0', [], patient), { code: '22012' })
    await assert.rejects(session.query('no sql', [], patient), { code: '42601' })
    assert.equal(await pidOf(session), pid)
  })

  test('cancels a query on the server when its time is up, and takes a new connection for the next one', async () => {
    let closed = 0
    open({ onClosed: () => (closed += 1) })
    const pid = await pidOf(session)
    await assert.rejects(session.query('select pg_sleep(300)', [], { timeout: 300, signal: never }), {
      code: 'QUERY_TIMEOUT',
      message: 'no answer within 300 ms',
    })
    assert.equal(session.connected, false)
    // A server does not look at its client while it sleeps: only a cancel request ends this.
    await eventually('the query is gone', async () => {
      const left = await sidecarSessions(server)
      return !left.some((one) => one.pid === pid)
    })
    assert.notEqual(await pidOf(session), pid)
    assert.equal(closed, 0, 'a connection that is given up is no news')
  })

  test('cancels a query on the server when its signal aborts, with the reason of the signal', async () => {
    open()
    const pid = await pidOf(session)
    const stop = new AbortController()
    const sleeping = session.query('select pg_sleep(300)', [], { timeout: 60_000, signal: stop.signal })
    sleeping.catch(() => undefined)
    await running()
    stop.abort(new Error('enough'))
    await assert.rejects(sleeping, /^Error: enough$/)
    await noSessions(server)
    assert.notEqual(await pidOf(session), pid)
  })

  test('sends nothing for a signal that has aborted already, and keeps the connection', async () => {
    open()
    const pid = await pidOf(session)
    const aborted = AbortSignal.abort(new Error('too late'))
    await assert.rejects(session.query('select 1', [], { timeout: 1_000, signal: aborted }), /^Error: too late$/)
    assert.equal(await pidOf(session), pid)
  })

  test('lets a query that waits for its turn give up alone', async () => {
    open()
    await pidOf(session)
    const first = session.query('select pg_sleep(1), 1 as n', [], patient)
    await assert.rejects(session.query('select 2 as n', [], { timeout: 100, signal: never }), {
      code: 'QUERY_TIMEOUT',
      message: 'no turn on this connection within 100 ms',
    })
    const stop = new AbortController()
    const second = session.query('select 3 as n', [], { timeout: 60_000, signal: stop.signal })
    stop.abort(new Error('enough'))
    await assert.rejects(second, /^Error: enough$/)
    const third = session.query('select 4 as n', [], patient)
    assert.equal((await first).length, 1)
    assert.deepEqual(await third, [{ n: 4 }])
  })

  test('takes a new connection for those who waited behind a query that was given up', async () => {
    open()
    const pid = await pidOf(session)
    const stuck = session.query('select pg_sleep(300)', [], { timeout: 300, signal: never })
    const next = pidOf(session)
    await assert.rejects(stuck, { code: 'QUERY_TIMEOUT' })
    assert.notEqual(await next, pid)
  })

  test('says at once that the server ended its connection, once, and opens it again', async () => {
    let closed = 0
    open({ onClosed: () => (closed += 1) })
    const pid = await pidOf(session)
    await server.query('select pg_terminate_backend($1)', [pid])
    await eventually('it is told', () => closed > 0)
    assert.equal(session.connected, false)
    assert.notEqual(await pidOf(session), pid)
    assert.equal(closed, 1)
  })

  test('fails the query that runs when the server ends its connection', async () => {
    open()
    const pid = await pidOf(session)
    const sleeping = session.query('select pg_sleep(300)', [], patient)
    sleeping.catch(() => undefined)
    await running()
    await server.query('select pg_terminate_backend($1)', [pid])
    await assert.rejects(sleeping, { code: '57P01' })
    // The error comes a moment before the end of the connection.
    assert.notEqual(await eventually('a new connection', async () => await pidOf(session)), pid)
  })

  test('heals when the server is restarted, killed and started again', async () => {
    let closed = 0
    open({ onClosed: () => (closed += 1) })
    await pidOf(session)
    await server.restart()
    await eventually('the restart is noticed', () => closed === 1)
    await pidOf(session)
    await server.kill()
    await eventually('the kill is noticed', () => closed === 2)
    await assert.rejects(pidOf(session), { code: 'CONNECT_FAILED' })
    await server.start()
    assert.ok((await pidOf(session)) > 0)
  })

  test('closes a connection on demand after its idle time, and one that is held never', async () => {
    const held = open()
    await pidOf(held)
    const onDemand = open({
      target: async () => await Promise.resolve(localTarget(config, 'on-demand')),
      idleTimeout: 100,
    })
    const pid = await pidOf(onDemand)
    await onDemand.query('select pg_sleep(0.3)', [], patient)
    assert.equal(await pidOf(onDemand), pid, 'a query that runs is no idle time')
    await noSessions(server, 'on-demand')
    assert.equal((await sidecarSessions(server, 'test')).length, 1)
    assert.notEqual(await pidOf(onDemand), pid)
    await held[Symbol.asyncDispose]()
  })

  test('says goodbye on close, forgets on drop, and refuses to work once disposed', async () => {
    open()
    const pid = await pidOf(session)
    await session.close()
    await noSessions(server)
    const other = await pidOf(session)
    assert.notEqual(other, pid)
    session.drop()
    assert.notEqual(await pidOf(session), other)
    await session[Symbol.asyncDispose]()
    await noSessions(server)
    await assert.rejects(pidOf(session), { code: 'SESSION_CLOSED' })
  })

  test('leaves nothing behind when it is disposed while it connects', async () => {
    open()
    const asking = pidOf(session)
    asking.catch(() => undefined)
    await session[Symbol.asyncDispose]()
    await assert.rejects(asking)
    await noSessions(server)
  })

  test('is not held up by a frozen server, neither at its work nor at its end', async () => {
    open()
    await pidOf(session)
    await server.freeze()
    try {
      const bounds = { timeout: 300, signal: never }
      await assert.rejects(session.query('select 1', [], bounds), { code: 'QUERY_TIMEOUT' })
      const signal = AbortSignal.timeout(300)
      await assert.rejects(session.query('select 1', [], { timeout: 10_000, signal }), { code: 'CONNECT_FAILED' })
      if (!signal.aborted) await once(signal, 'abort')
      await session[Symbol.asyncDispose]()
    } finally {
      server.thaw()
    }
    await noSessions(server)
  })
})
