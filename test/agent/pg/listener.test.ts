// The LISTEN session on a real server: a notification of whatever content only hints, and every kind of end, silence
// included, is noticed, said with its reason, healed, and followed by a hint for what may have been missed.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import type { Config } from '../../../agent/config.ts'
import { systemClock } from '../../../agent/loop/clock.ts'
import { localTarget } from '../../../agent/pg/conninfo.ts'
import { channel, listen, type ListenerOptions } from '../../../agent/pg/listener.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'
import type { PostgresServer } from '../../../deploy/local/postgres-server.ts'
import { configFor } from '../../support/config-for.ts'
import { HalfOpenProxy } from '../../support/half-open-proxy.ts'
import { noSessions, sidecarSessions } from '../../support/server-sessions.ts'

const name = 'citus-sidecar/listen'
/** Notices silence soon; a healthy server on a busy machine still answers within the limit. */
const heartbeat = { interval: 200, limit: 2_000 }
/** For tests in which no heartbeat is wanted: what they see then came by a notification, or by the end of the session. */
const quiet = { interval: 600_000, limit: 600_000 }

suite('the listener', () => {
  let lone: LoneServer
  let server: PostgresServer
  let proxy: HalfOpenProxy
  let config: Config
  let stop: AbortController
  let ended: Promise<void>
  let hints: number
  let states: { up: boolean; reason: string | undefined }[]

  before(async () => {
    lone = await startPostgres()
    server = lone.postgres
    proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: server.port })
    config = await configFor(server, { PGPORT: String(proxy.port), CITUS_SIDECAR_CONNECT_TIMEOUT: '1s' })
  })
  afterEach(async () => {
    proxy.flow()
    stop.abort()
    await ended
    await noSessions(server)
  })
  after(async () => {
    await proxy[Symbol.asyncDispose]()
    await lone.down()
  })

  /** Starts listening and waits for the first session, unless `wait` is false. */
  async function start(options: Partial<ListenerOptions> = {}, wait = true): Promise<void> {
    stop = new AbortController()
    ;[hints, states] = [0, []]
    ended = listen(
      {
        config,
        clock: systemClock,
        random: () => 0.2,
        target: async () => await Promise.resolve(localTarget(config, 'listen')),
        onHint: () => (hints += 1),
        onState: (state) => states.push(state),
        heartbeat,
        ...options,
      },
      stop.signal,
    )
    if (wait) await up(1)
  }

  /** Waits until it has come up this many times. */
  async function up(times: number): Promise<void> {
    await eventually(
      `up ${times} times`,
      () => states.filter((state) => state.up).length >= times && states.at(-1)?.up === true,
      { deadline: 30_000, context: () => JSON.stringify(states) },
    )
  }

  /** Waits until it is down, and returns the reason. */
  async function down(): Promise<string> {
    const state = await eventually('down', () => states.find((one) => !one.up), { deadline: 30_000 })
    return state.reason ?? ''
  }

  async function notify(payload: string | undefined, where = channel): Promise<void> {
    await server.query('select pg_notify($1, $2)', [where, payload ?? null])
  }

  test('hints when it comes up, and on every notification of its channel alone', async () => {
    await start({ heartbeat: quiet })
    assert.equal(hints, 1)
    await notify('{"member": "worker-1"}')
    await eventually('a hint', () => hints === 2)
    for (const other of ['citus_sidecar_', 'CITUS_SIDECAR', 'citus', 'error', 'notification', 'newListener'])
      await notify('not for us', other)
    // Notifications come in order: once this one is here, the others would have been.
    await notify('')
    await eventually('a hint', () => hints > 2)
    assert.equal(hints, 3)
  })

  test('takes any payload for a hint: empty, no JSON, huge, of another program', async () => {
    await start({ heartbeat: quiet })
    const payloads = [
      undefined,
      '',
      '{',
      'null',
      '[1,2',
      '{"__proto__": {"polluted": true}}',
      '{"member": {"toString": null}}',
      'ÿ\u0001 äöü 😀 \\u0000 %s %n \r\n',
      'x'.repeat(7_900),
      JSON.stringify({ member: 'y'.repeat(7_800) }),
    ]
    for (const [index, payload] of payloads.entries()) {
      await notify(payload)
      await eventually(`a hint for payload ${index}`, () => hints === index + 2)
    }
    assert.deepEqual(states, [{ up: true, reason: undefined }])
  })

  test('survives a flood, and repeats of one notification', async () => {
    await start({ heartbeat: quiet })
    await server.query(`select pg_notify('${channel}', n::text) from generate_series(1, 20000) n`)
    await eventually('all of them', () => hints === 20_001)
    assert.equal(states.length, 1)
  })

  test('notices at once that the server ended its session, says why, comes up again and hints', async () => {
    await start({ heartbeat: quiet })
    const [session] = await sidecarSessions(server, 'listen')
    await server.query('select pg_terminate_backend($1)', [session?.pid])
    assert.equal(await down(), 'the session ended')
    await up(2)
    assert.equal(hints, 2)
    await notify('x')
    await eventually('it hears again', () => hints === 3)
  })

  test('heals after a restart and after an outage longer than pg-listen would try', async () => {
    await start({ heartbeat: quiet })
    await server.restart()
    await up(2)
    await server.kill()
    const failures = states.length
    // Each failed attempt is a state of its own.
    await eventually('several attempts failed', () => states.length >= failures + 5, { deadline: 60_000 })
    await server.start()
    await up(3)
    assert.equal((await sidecarSessions(server, 'listen')).length, 1)
  })

  test('notices swallowed bytes by its heartbeat, and heals over a new connection', async () => {
    await start()
    proxy.swallowOpen(name)
    assert.match(await down(), /^no answer to the heartbeat within 2000 ms$/)
    await up(2)
    await eventually('the old connection is given up', () => proxy.open(name) === 1)
    proxy.flow()
    await eventually('the old session is gone', async () => (await sidecarSessions(server, 'listen')).length === 1)
    await notify('x')
    await eventually('it hears again', () => hints === 3)
  })

  test('notices a server that is frozen, and hears what was said meanwhile as a hint', async () => {
    await start()
    await server.freeze()
    try {
      assert.match(await down(), /heartbeat/)
    } finally {
      server.thaw()
    }
    await up(2)
    assert.ok(hints >= 2)
    await eventually('one session is left', async () => (await sidecarSessions(server, 'listen')).length === 1)
  })

  test('gives a login up that is swallowed, again and again, and heals when bytes flow', async () => {
    proxy.swallow(name)
    await start({}, false)
    await eventually('two attempts failed', () => states.length >= 2, { deadline: 30_000 })
    for (const state of states) assert.match(state.reason ?? '', /no answer to the login within 1000 ms|timeout|ended/i)
    proxy.flow()
    await up(1)
    await eventually('no attempt left anything', async () => (await sidecarSessions(server, 'listen')).length === 1)
  })

  test('heals after connections were refused and closed', async () => {
    await start()
    proxy.refuse(name)
    proxy.close(name)
    await down()
    await eventually('attempts are refused', () => states.length >= 4, { deadline: 30_000 })
    proxy.flow()
    await up(2)
  })

  test('says why there is nobody to listen to, and asks again', async () => {
    let asked = 0
    await start(
      {
        target: async () => {
          asked += 1
          if (asked < 3) throw new Error('no coordinator answers as a primary')
          return await Promise.resolve(localTarget(config, 'listen'))
        },
      },
      false,
    )
    assert.equal(await down(), 'no coordinator answers as a primary')
    await up(1)
  })

  test('ends at once when told to, up, down or in the middle of a login', async () => {
    await start()
    stop.abort()
    await ended
    proxy.refuse(name)
    await start({}, false)
    await down()
    stop.abort()
    await ended
    proxy.flow()
    proxy.swallow(name)
    const before = proxy.made.get(name) ?? 0
    await start({}, false)
    await eventually('it is logging in', () => (proxy.made.get(name) ?? 0) > before)
    stop.abort()
    await ended
    assert.deepEqual(states, [])
  })
})
