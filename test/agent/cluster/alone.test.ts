// Who serves a node: the first sidecar, as long as it lives; a connection of its own that the server still believes in
// is no second sidecar, and a second sidecar is never put out.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { AloneLock } from '../../../agent/cluster/alone.ts'
import type { Config } from '../../../agent/config.ts'
import { localTarget } from '../../../agent/pg/conninfo.ts'
import { Session } from '../../../agent/pg/session.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'
import { configFor } from '../../support/config-for.ts'
import { HalfOpenProxy } from '../../support/half-open-proxy.ts'
import { noSessions, sidecarSessions } from '../../support/server-sessions.ts'

suite('the lock of a node', () => {
  let lone: LoneServer
  let proxy: HalfOpenProxy
  let config: Config
  const sessions: Session[] = []
  const never = new AbortController().signal

  before(async () => {
    lone = await startPostgres()
    proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: lone.postgres.port })
    config = await configFor(lone.postgres, { PGPORT: String(proxy.port) })
  })
  afterEach(async () => {
    proxy.flow()
    for (const session of sessions.splice(0)) await session[Symbol.asyncDispose]()
    await noSessions(lone.postgres)
  })
  after(async () => {
    await proxy[Symbol.asyncDispose]()
    await lone.down()
  })

  /** The lock as one sidecar sees it. */
  function sidecar(use: string): { lock: AloneLock; session: Session } {
    const session = new Session(config, { target: async () => await Promise.resolve(localTarget(config, use)) })
    sessions.push(session)
    return { lock: new AloneLock(session, config), session }
  }

  test('is that of the first sidecar, again and again, until its connection ends', async () => {
    const [first, second] = [sidecar('first'), sidecar('second')]
    assert.equal(await first.lock.held(never), true)
    assert.equal(await first.lock.held(never), true)
    assert.equal(await second.lock.held(never), false)
    await first.session.close()
    await eventually('the second takes over', async () => await second.lock.held(never))
    assert.equal(await first.lock.held(never), false, 'the first does not put the second out')
    assert.equal(await second.lock.held(never), true)
  })

  test('stays with a sidecar whose connection was given up although the server has not heard of that', async () => {
    const [first, second] = [sidecar('first'), sidecar('second')]
    assert.equal(await first.lock.held(never), true)
    const [old] = await sidecarSessions(lone.postgres, 'first')
    proxy.swallowOpen('citus-sidecar/first')
    first.session.drop()
    assert.equal(await second.lock.held(never), false)
    assert.equal(await first.lock.held(never), true)
    await eventually('the server has ended the old session', async () => {
      const left = await sidecarSessions(lone.postgres, 'first')
      return left.length === 1 && left[0]?.pid !== old?.pid
    })
    assert.equal(await first.lock.held(never), true)
    assert.equal(await second.lock.held(never), false)
  })

  test('is that of a sidecar, too, that never heard that it was given it', async () => {
    const lost = sidecar('lost')
    await lost.session.query('select 1', [], { timeout: 5_000, signal: never })
    const takes = lost.session.query.bind(lost.session)
    // What the server does with the lock is done; the answer is on its way when the network fails.
    lost.session.query = async (text, values, bounds) => {
      if (!text.includes('pg_try_advisory_lock')) return await takes(text, values, bounds)
      lost.session.query = takes
      await takes(text, values, bounds)
      proxy.swallowOpen('citus-sidecar/lost')
      lost.session.drop()
      throw new Error('no answer')
    }
    await assert.rejects(lost.lock.held(never), { message: 'no answer' })
    assert.equal(await sidecar('second').lock.held(never), false)
    assert.equal(await lost.lock.held(never), true)
  })
})
