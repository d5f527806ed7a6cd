// Own queries on a real server: they write nothing, leave nothing behind, and cost nobody else anything.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { CoordinatorLocator } from '../../../agent/cluster/coordinator.ts'
import type { Config } from '../../../agent/config.ts'
import { systemClock } from '../../../agent/loop/clock.ts'
import { askOn } from '../../../agent/queries/ask.ts'
import { Sessions } from '../../../agent/sessions.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'
import type { OwnQuery } from '../../../probes/own-query.ts'
import { configFor } from '../../support/config-for.ts'
import { sidecarSessions } from '../../support/server-sessions.ts'

suite('an own query', () => {
  let lone: LoneServer
  let config: Config
  let sessions: Sessions
  const never = new AbortController().signal

  before(async () => {
    lone = await startPostgres({ database: 'app' })
    config = await configFor(lone.postgres)
    await lone.postgres.query('create table written (n int)')
    await lone.postgres.query(
      `create function write_it() returns int language sql as 'insert into written values (1) returning n'`,
    )
  })
  beforeEach(() => {
    sessions = new Sessions(config, new CoordinatorLocator(config, systemClock), () => undefined)
  })
  afterEach(async () => await sessions[Symbol.asyncDispose]())
  after(async () => await lone.down())

  async function ask(text: string, options: { timeout?: number; database?: string; signal?: AbortSignal } = {}) {
    const { timeout = 10_000, database, signal = never } = options
    return await askOn(sessions, config)({ text, database } as OwnQuery, timeout, signal)
  }
  async function state(): Promise<unknown> {
    const [row] = await sessions.queries.query<{ pid: number }>(
      `select pg_backend_pid() as pid, current_setting('statement_timeout') as timeout, current_setting('transaction_read_only') as readonly,
              current_setting('work_mem') as memory, (select count(*)::int from pg_locks where locktype = 'advisory') as locks,
              (select count(*)::int from pg_cursors) as cursors, (select count(*)::int from written) as written`,
      [],
      { timeout: 10_000, signal: never },
    )
    return row
  }

  test('has the rows of its result, with comments and a semicolon at its end', async () => {
    assert.deepEqual(await ask('-- what\nselect n, true as yes from generate_series(1, 2) n; -- so'), [
      { n: 1, yes: true },
      { n: 2, yes: true },
    ])
  })

  test('that writes, or is more than one statement, fails and leaves the session as it was', async () => {
    const before = await state()
    const failing: readonly (readonly [text: string, code: string])[] = [
      ['select write_it()', '25006'],
      [`select set_config('transaction_read_only', 'off', true), write_it()`, '25001'],
      ['with a as (insert into written values (1) returning n) select n from a', '0A000'],
      ['select 1; commit; insert into written values (1)', '42601'],
      ['select 1 for no sql', '42601'],
      ['select 1 / 0', '22012'],
      ['select $1::int', '08P01'],
    ]
    for (const [text, code] of failing) await assert.rejects(ask(text), { code }, text)
    assert.deepEqual(await state(), before)
  })

  test('leaves no setting, cursor or lock behind', async () => {
    const before = await state()
    await ask(`select set_config('work_mem', '99MB', false), pg_advisory_lock(4711)`)
    assert.deepEqual(await state(), before)
  })

  test('that takes too long is ended by the server, and the connection lasts', async () => {
    const before = await state()
    await assert.rejects(ask('select pg_sleep(300)', { timeout: 100 }), { code: '57014' })
    assert.deepEqual(await state(), before)
  })

  test('that is no longer wanted is cancelled on the server', async () => {
    const stop = new AbortController()
    const asked = ask('select pg_sleep(300)', { signal: stop.signal, timeout: 60_000 })
    asked.catch(() => undefined)
    const active = async (): Promise<boolean> =>
      (await sidecarSessions(lone.postgres)).some(
        ({ state: doing, query }) => doing === 'active' && /fetch/.test(query),
      )
    await eventually('it runs', active)
    stop.abort(new Error('enough'))
    await assert.rejects(asked, /^Error: enough$/)
    await eventually('it runs no more', async () => !(await active()))
    assert.deepEqual(await ask('select 1 as n'), [{ n: 1 }])
  })

  test('has ten thousand rows or 4 MB, and fails with more', async () => {
    assert.equal((await ask('select generate_series(1, 10000)')).length, 10_000)
    await assert.rejects(ask('select generate_series(1, 10001)'), /^Error: more than 10000 rows; allowed: /)
    const wide = `select repeat('x', 10000) from generate_series(1, 1000)`
    await assert.rejects(ask(wide), /^Error: more than 4194304 bytes of rows; allowed: /)
    assert.deepEqual(await ask('select 1 as n'), [{ n: 1 }])
  })

  test('in another database has a connection for as long as it runs', async () => {
    assert.deepEqual(await ask('select current_database() as d', { database: 'postgres' }), [{ d: 'postgres' }])
    assert.deepEqual(await ask('select current_database() as d'), [{ d: 'app' }])
    await eventually('one connection is left', async () => (await sidecarSessions(lone.postgres)).length === 1)
    await assert.rejects(ask('select 1', { database: 'nowhere' }), {
      code: 'CONNECT_FAILED',
      message: /database "nowhere" does not exist/,
    })
  })
})
