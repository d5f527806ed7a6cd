// The life of one real server: started, asked, stopped, killed, frozen; and that none of it leaves anything.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, beforeEach, suite, test } from 'node:test'
import { Client } from 'pg'
import { eventually } from '../../../deploy/local/eventually.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'
import type { PostgresServer } from '../../../deploy/local/postgres-server.ts'

suite('a PostgreSQL server', () => {
  let lone: LoneServer
  let server: PostgresServer
  before(async () => {
    lone = await startPostgres({ database: 'app', settings: { work_mem: '7MB' } })
    server = lone.postgres
  })
  beforeEach(async () => {
    if (server.pid === undefined) await server.start()
  })
  after(async () => await lone.down())

  test('says which Citus it has', () =>
    assert.match(lone.description, /^Citus (\d+\.\d+|stand-in \(control plane only\)$)/))

  test('answers the superuser on its socket, with settings of profile and caller', async () => {
    const rows = await server.query(
      "select current_user, current_database(), current_setting('wal_level') as wal, current_setting('work_mem') as mem",
    )
    assert.deepEqual(rows, [{ current_user: 'postgres', current_database: 'app', wal: 'logical', mem: '7MB' }])
    assert.deepEqual(await server.query('select $1::int as n', [3], { database: 'postgres' }), [{ n: 3 }])
  })

  test('asks for the password over TCP, on both loopbacks', async () => {
    const login = async (password: string): Promise<void> => {
      const client = new Client({ host: 'localhost', port: server.port, user: 'postgres', password, database: 'app' })
      client.on('error', () => undefined)
      await client.connect()
      await client.end()
    }
    await login(server.spec.passwords.postgres)
    await assert.rejects(login('wrong'), /password authentication failed/)
  })

  test('can log in to itself over TCP with its passfile, as nodes do to each other', async () => {
    await server.query('create extension if not exists dblink')
    const conninfo = `host=localhost port=${server.port} user=postgres dbname=app`
    const rows = await server.query('select * from dblink($1, $2) as t (n int)', [conninfo, 'select 7'])
    assert.deepEqual(rows, [{ n: 7 }])
  })

  test('does not start twice', async () => {
    await assert.rejects(server.start(), new RegExp(`runs already, as process ${server.pid}`))
  })

  test('stops in every mode, also while frozen, and starts again', async () => {
    for (const mode of ['fast', 'immediate', 'smart'] as const) {
      await server.freeze()
      await server.stop(mode)
      assert.equal(server.pid, undefined)
      await server.start()
    }
    await server.restart()
    assert.equal((await server.query('select 1 as one')).length, 1)
  })

  test('is killed with all its processes, sessions included', async () => {
    const session = await server.connect()
    const ended = new Promise((resolve) => session.once('end', resolve))
    await server.kill()
    await ended
    assert.deepEqual(server.processes(), [])
    await server.start()
    assert.equal((await server.query('select 1 as one')).length, 1)
  })

  test('frozen, answers nobody; thawed, it does', async () => {
    const session = await server.connect({ timeout: 200 })
    await server.freeze()
    assert.ok(server.processes().every(({ state }) => state === 'T'))
    await assert.rejects(session.query('select 1'), /timeout/)
    server.thaw()
    await eventually('an answer after the thaw', () => server.query('select 1'))
    await session.end()
  })

  test('with a frozen postmaster, held sessions answer and new ones hang', async () => {
    const session = await server.connect()
    await server.freeze({ postmaster: true })
    assert.deepEqual((await session.query('select 1 as one')).rows, [{ one: 1 }])
    const newcomer = new Client({
      host: server.socketDir,
      port: server.port,
      user: 'postgres',
      connectionTimeoutMillis: 200,
    })
    newcomer.on('error', () => undefined)
    await assert.rejects(newcomer.connect(), /timeout/)
    server.thaw()
    await session.end()
  })

  test('is killed while frozen', async () => {
    await server.freeze()
    await server.kill()
    assert.deepEqual(server.processes(), [])
  })

  test('leaves no frozen orphans when only its postmaster was killed', async () => {
    await server.freeze()
    process.kill(server.pid ?? 0, 'SIGKILL')
    await eventually('the postmaster is gone', () => server.pid === undefined)
    assert.notDeepEqual(server.processes(), [])
    await server.stop()
    assert.deepEqual(server.processes(), [])
  })

  test('shows its log when it cannot start', async () => {
    await server.query("alter system set shared_preload_libraries = 'no_such_library'")
    await server.stop()
    await assert.rejects(server.start(), {
      name: 'LocalError',
      message: /ended at its start: exit code 1\nthe end of .*FATAL/s,
    })
    await lone.down()
    assert.equal(existsSync(server.spec.folder), false)
    lone = await startPostgres()
    server = lone.postgres
  })
})
