// The life of a sidecar's process: whatever phase of its start it is ended in, it ends at once, PostgreSQL never notices,
// and the next one starts; what cannot be started says why and harms nobody.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { reservePort } from '../../deploy/local/free-ports.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { sendSignal } from '../../deploy/local/process-table.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, joined, patience, quick, registered, until } from '../support/joining.ts'
import { noSessions } from '../support/server-sessions.ts'

suite('a sidecar process', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let startedAt: string

  before(async () => {
    cluster = await startCluster({ workers: 1, sidecars: false, env: quick })
    node = cluster.node('worker-1')
    startedAt = await serverStart()
    cluster.coordinator.sidecar.start()
    await joined(cluster.coordinator)
  })
  after(async () => await cluster.down())
  afterEach(async () => {
    node.postgres.thaw()
    await node.sidecar.kill()
  })

  async function serverStart(): Promise<string> {
    const [row] = await node.postgres.query<{ at: string }>('select pg_postmaster_start_time()::text as at')
    return row?.at ?? ''
  }

  /** SIGTERM or SIGINT ends the process by itself: the force that a clean end is given after 10 s has another exit code. */
  async function endsBy(signal: 'SIGTERM' | 'SIGINT', deadline = patience): Promise<void> {
    assert.ok(sendSignal(node.sidecar.pid ?? 0, signal))
    assert.equal(await node.sidecar.ended(`ends after ${signal}`, deadline), 0)
    assert.deepEqual(complaints(node), [])
  }

  /** PostgreSQL is the same as ever and has none of our sessions any more. */
  async function unnoticed(): Promise<void> {
    await noSessions(node.postgres)
    assert.equal(await serverStart(), startedAt)
  }

  test('ends while its registration waits for a lock, and nothing is done behind its back', async () => {
    const { postgres } = cluster.coordinator
    const blocker = await postgres.connect()
    const waiting = async (): Promise<boolean> => {
      const sql = `select from pg_stat_activity where application_name = 'citus-sidecar/register' and wait_event_type = 'Lock'`
      return (await postgres.query(sql)).length > 0
    }
    try {
      await blocker.query('begin; lock table pg_dist_node in exclusive mode')
      node.sidecar.start({ CITUS_SIDECAR_REGISTRATION_LOCK_TIMEOUT: '60s' })
      await eventually('its registration waits', waiting, { deadline: patience })
      await endsBy('SIGTERM')
      await eventually('nobody waits any more', async () => !(await waiting()))
      await blocker.query('commit')
    } finally {
      await blocker.end()
    }
    await unnoticed()
    assert.equal((await registered(cluster)).length, 1)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`ended by ${signal} before anything is up is just gone`, async () => {
      node.sidecar.start()
      sendSignal(node.sidecar.pid ?? 0, signal)
      // Until its own handler is there the signal ends a process; afterwards it ends itself.
      assert.ok([0, null].includes((await node.sidecar.ended()) ?? null))
      assert.deepEqual(complaints(node), [])
      await unnoticed()
    })

    test(`ended by ${signal} while its modules load ends itself, as process 1 has to`, async () => {
      // The loader sends the signal when the command's module is first asked for; nobody but a handler survives that.
      const hook = `import { registerHooks } from 'node:module'
        registerHooks({ load(url, context, next) {
          if (/\\/(?:commands\\/run\\.ts|run-\\w+\\.js)$/.test(url)) process.kill(process.pid, '${signal}')
          return next(url, context)
        } })`
      node.sidecar.start({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` })
      assert.equal(await node.sidecar.ended(), 0)
      assert.deepEqual(complaints(node), [])
      await unnoticed()
    })

    test(`ends by ${signal} as soon as it listens`, async () => {
      node.sidecar.start()
      await node.sidecar.answers('/livez')
      await endsBy(signal)
      await unnoticed()
    })
  }

  test('ends while PostgreSQL is away, and the next start works', async () => {
    await node.postgres.stop()
    node.sidecar.start()
    await until(node, 'has tried', ({ readings }) => readings['postgres.alive']?.error !== undefined)
    await endsBy('SIGTERM')
    await node.postgres.start()
    startedAt = await serverStart()
    await unnoticed()
  })

  test('ends while its login hangs in a frozen PostgreSQL', async () => {
    await node.postgres.freeze()
    node.sidecar.start({ CITUS_SIDECAR_CONNECT_TIMEOUT: '60s', CITUS_SIDECAR_FROZEN_AFTER: '120s' })
    await node.sidecar.answers('/livez')
    await endsBy('SIGTERM')
    node.postgres.thaw()
    await unnoticed()
  })

  test('ends when it is ready, and the next one is ready as well', async () => {
    node.sidecar.start()
    await joined(node)
    await endsBy('SIGINT')
    await unnoticed()
    assert.equal(existsSync(node.controlSocket), false)
    node.sidecar.start()
    await joined(node)
    await endsBy('SIGTERM')
    await unnoticed()
  })

  test('is not harmed by a second signal while it ends', async () => {
    node.sidecar.start()
    await joined(node)
    const pid = node.sidecar.pid ?? 0
    const stops = (): number => node.sidecar.log().filter((line) => line['event'] === 'stopping').length
    const before = stops()
    // Saying goodbye to a frozen server takes a moment, in which the others arrive.
    await node.postgres.freeze()
    sendSignal(pid, 'SIGTERM')
    await eventually('it is ending', () => stops() > before, { interval: 1 })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) sendSignal(pid, signal)
    assert.equal(await node.sidecar.ended(), 0)
    node.postgres.thaw()
    await unnoticed()
  })

  test('killed leaves a socket behind, which the next one takes over', async () => {
    node.sidecar.start()
    await joined(node)
    await node.sidecar.kill()
    assert.ok(existsSync(node.controlSocket))
    await unnoticed()
    node.sidecar.start()
    await joined(node)
    assert.equal((await node.sidecar.control('GET', '/v1/status')).status, 200)
  })

  suite('that cannot start', () => {
    const run = async (env: Readonly<Record<string, string>>) => await node.command(['run'], env)

    test('beside another one on the same directory: says so and ends, the other is unharmed', async () => {
      node.sidecar.start()
      await joined(node)
      const { pid } = node.sidecar
      const other = await reservePort()
      const { code, stderr } = await run({ CITUS_SIDECAR_HTTP_PORT: String(other.port) })
      other.release()
      assert.equal(
        stderr,
        `citus-sidecar: LISTENER_FAILED: another sidecar answers on ${node.controlSocket}; give each its own CITUS_SIDECAR_RUN_DIR\n`,
      )
      assert.equal(code, 1)
      assert.equal(node.sidecar.pid, pid)
      assert.equal((await node.sidecar.control('GET', '/v1/status')).status, 200)
      await joined(node)
    })

    test('on an occupied port: names setting and address', async () => {
      const reserved = await reservePort()
      const { port } = reserved
      const occupier = createServer()
      await new Promise<void>((resolve) => occupier.listen(port, '127.0.0.1', resolve))
      const runDir = join(node.sidecar.spec.folder, 'other-run')
      const { code, stderr } = await run({ CITUS_SIDECAR_HTTP_PORT: String(port), CITUS_SIDECAR_RUN_DIR: runDir })
      occupier.close()
      reserved.release()
      assert.match(
        stderr,
        new RegExp(
          `^citus-sidecar: LISTENER_FAILED: CITUS_SIDECAR_HTTP_PORT: 127.0.0.1:${port} cannot be opened: .*EADDRINUSE.*\n$`,
        ),
      )
      assert.equal(code, 1)
      assert.equal(existsSync(runDir), false)
    })

    test('with a directory below a regular file: names setting and path', async () => {
      const file = join(node.sidecar.spec.folder, 'a-file')
      writeFileSync(file, '')
      const { code, stderr } = await run({ CITUS_SIDECAR_RUN_DIR: join(file, 'run') })
      assert.match(
        stderr,
        /^citus-sidecar: LISTENER_FAILED: CITUS_SIDECAR_RUN_DIR: \S+\/a-file\/run\/control\.sock cannot be opened: .*ENOTDIR.*\n$/,
      )
      assert.equal(code, 1)
    })

    test('with wrong settings: names all of them', async () => {
      const { code, stdout, stderr } = await run({
        CITUS_SIDECAR_ROLE: 'boss',
        CITUS_SIDECAR_HTTP_PORT: '99999',
        CITUS_SIDECAR_FROZEN_AFTER: 'soon',
        CITUS_SIDECAR_RUN_DIR: 'here',
      })
      assert.equal(code, 2)
      assert.equal(stdout, '')
      for (const problem of ['ROLE.*boss', 'HTTP_PORT.*99999', 'FROZEN_AFTER.*soon', 'RUN_DIR.*here'])
        assert.match(stderr, new RegExp(`CITUS_SIDECAR_${problem}`))
    })

    test('and PostgreSQL has noticed nothing of it', unnoticed)
  })
})
