// PostgreSQL killed, stopped, frozen, starting up, shutting down: the verdicts say which of these it is, the sidecar
// itself stays alive throughout, and all is well again as soon as PostgreSQL is.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'
import { sendSignal } from '../../deploy/local/process-table.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, joined, patience, quick, statusOf, until } from '../support/joining.ts'
import { LivezWatch } from '../support/livez-watch.ts'

const frozenAfter = 3_000
/** What noticing may take on top of its limit on a busy machine, milliseconds. */
const slack = 5_000

suite('a sidecar whose PostgreSQL', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let livez: LivezWatch

  before(async () => {
    const env = { ...quick, CITUS_SIDECAR_FROZEN_AFTER: `${frozenAfter}ms`, CITUS_SIDECAR_CONNECT_TIMEOUT: '1s' }
    cluster = await startCluster({ workers: 1, env })
    node = cluster.node('worker-1')
    livez = new LivezWatch(node.sidecar)
  })
  after(async () => {
    await livez.end()
    await cluster.down()
  })

  /** Waits until /readyz is 503 with this line in it, and returns how long that took, milliseconds. */
  async function unready(line: RegExp): Promise<number> {
    const since = performance.now()
    let last = ''
    await eventually(
      `/readyz is 503 and says ${line}`,
      async () => {
        const { status, body } = await node.sidecar.get('/readyz')
        last = `${status} ${body}`
        return status === 503 && line.test(body)
      },
      { deadline: patience, context: () => last },
    )
    return performance.now() - since
  }

  async function page(path: string): Promise<string> {
    const { status, body } = await node.sidecar.get(path)
    return `${status} ${body}`
  }

  test('is killed is not ready and says so; after the restart it is ready again', async () => {
    await node.postgres.kill()
    assert.ok(
      (await unready(
        /^\[-\]postgres failed: nothing listens where PostgreSQL should be \(.*ECONNREFUSED.*\); look whether/m,
      )) < slack,
    )
    await eventually('not started either', async () =>
      (await page('/startupz')).startsWith('503 [-]postgres failed: nothing listens'),
    )
    await node.postgres.start()
    await joined(node)
    assert.equal(await page('/startupz?verbose'), '200 [+]postgres ok\nstartupz ok\n')
  })

  test('is stopped fast is not ready either, and becomes ready', async () => {
    await node.postgres.stop('fast')
    await unready(/^\[-\]postgres failed: nothing listens where PostgreSQL should be/m)
    await node.postgres.start()
    await joined(node)
  })

  test('is frozen, all of it, is not ready within the limit and says so; thawed it is ready', async () => {
    await node.postgres.freeze()
    assert.ok(
      (await unready(
        /^\[-\](?:postgres|connections) failed: PostgreSQL does not answer \(.*\); look for stopped processes/m,
      )) <
        frozenAfter + slack,
    )
    await unready(/^\[-\]postgres failed: PostgreSQL does not answer/m)
    node.postgres.thaw()
    await joined(node)
  })

  test('has a frozen postmaster is not ready within the limit although held sessions answer', async () => {
    await node.postgres.freeze({ postmaster: true })
    assert.ok(
      (await unready(
        /^\[-\]connections failed: PostgreSQL does not answer \(a new connection met: .*\); look for stopped/m,
      )) <
        frozenAfter + slack,
    )
    assert.match((await node.sidecar.get('/readyz')).body, /^\[\+\]postgres ok: answered in/m)
    node.postgres.thaw()
    await joined(node)
  })

  test('crashes and recovers by itself is ready again', async () => {
    // Not by a flip: a server can be back before the sidecar, whose sessions it broke, has looked again.
    const closed = (): number => node.sidecar.log().filter(({ event }) => event === 'session.closed').length
    const before = closed()
    const session = await node.postgres.connect()
    const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid')
    sendSignal(rows[0]?.pid ?? 0, 'SIGKILL')
    await eventually('the crash is noticed', () => closed() > before)
    // And not by readiness alone: it may still be that of before the crash.
    await eventually(
      'the server has recovered',
      async () => await node.postgres.query('select 1').catch(() => undefined),
    )
    await joined(node)
  })

  test('replays its WAL counts as started, is not ready, and says what it waits for', async () => {
    await node.postgres.query(
      'create table wal as select n, repeat(md5(n::text), 20) as filler from generate_series(1, 100000) n',
    )
    await node.postgres.kill()
    await unready(/nothing listens/)
    await node.postgres.start({ wait: false })
    await eventually(
      'the startup process is stopped',
      () => {
        const startup = node.postgres.processes().find(({ commandLine }) => /: startup\b/.test(commandLine))
        return startup !== undefined && sendSignal(startup.pid, 'SIGSTOP')
      },
      { interval: 1 },
    )
    const state =
      'PostgreSQL is (?:starting up|in recovery and not yet consistent) \\(the database system is .* \\[57P03\\].*\\)'
    await unready(new RegExp(`^\\[-\\]postgres failed: ${state}; wait`, 'm'))
    assert.match(await page('/startupz?verbose'), new RegExp(`^200 \\[\\+\\]postgres ok: ${state}\nstartupz ok`))
    node.postgres.thaw()
    await joined(node)
  })

  /** Waits until no sidecar has a session on the server; told by process titles, for it accepts no questions now. */
  async function letGo(server: PostgresServer): Promise<void> {
    await eventually(
      'no session of a sidecar is left',
      () => !server.processes().some(({ commandLine }) => /: citus_sidecar app \S+ idle/.test(commandLine)),
      {
        deadline: patience,
        context: () =>
          server
            .processes()
            .map(({ commandLine }) => commandLine)
            .join('\n'),
      },
    )
  }

  test('shuts down slowly is not ready and says so, and is not kept from it by the sidecar', async () => {
    const client = await node.postgres.connect()
    // Smart shutdown: PostgreSQL waits for every session to end by itself.
    sendSignal(node.postgres.pid ?? 0, 'SIGTERM')
    await unready(/^\[-\]connections failed: PostgreSQL is shutting down/m)
    await letGo(node.postgres)
    await unready(/^\[-\]postgres failed: PostgreSQL is shutting down/m)
    assert.equal((await client.query('select 1 as one')).rows.length, 1)
    await client.end()
    // Citus on the coordinator has sessions here too, which would not end either.
    await node.postgres.restart()
    await joined(node)
  })

  test('is the coordinator and shuts down slowly is not kept from it by the listeners of all sidecars', async () => {
    const { postgres } = cluster.coordinator
    const client = await postgres.connect()
    sendSignal(postgres.pid ?? 0, 'SIGTERM')
    await letGo(postgres)
    await client.end()
    assert.equal((await node.sidecar.get('/readyz')).status, 200)
    await postgres.restart()
    for (const one of cluster.nodes) {
      await joined(one)
      await until(one, 'listens again', ({ listening }) => listening.up)
    }
  })

  test('has left the sidecar alive all the time, with every flip on record and nothing to complain about', async () => {
    const { asked, bad } = await livez.end()
    assert.deepEqual(bad, [])
    assert.ok(asked > 50)
    const flips = (await statusOf(node)).flips.filter(({ verdict }) => verdict === 'ready')
    for (const [index, flip] of flips.entries()) {
      assert.equal(flip.ok, index % 2 === 0)
      assert.equal(flip.reason === '', flip.ok)
    }
    const logged = node.sidecar
      .log()
      .filter((line) => line['event'] === 'verdict.changed' && line['verdict'] === 'ready')
    assert.deepEqual(
      logged.map((line) => line['reason']),
      flips.map(({ reason }) => reason),
    )
    assert.deepEqual(complaints(node), [])
  })
})
