// A sidecar whose connections go through a network that swallows bytes while its sockets stay open: each connection
// notices within its own limit, the verdicts tell what matters, all heal, and the server keeps no leftovers.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { HalfOpenProxy } from '../support/half-open-proxy.ts'
import { complaints, joined, quick, statusOf, until } from '../support/joining.ts'
import { sidecarSessions } from '../support/server-sessions.ts'

const frozenAfter = 9_000
/** How long the sidecar waits for a login or an answer: on a busy machine one takes a second, milliseconds. */
const limit = 3_000
/** What noticing may take on top of its limit on a busy machine, milliseconds. */
const slack = 5_000
/** An attempt ran into its limit, or, where the machine is slow, the last answer grew too old before that. */
const silent = 'PostgreSQL does not answer|no answer from PostgreSQL|no new connection has been answered'

suite('a sidecar over half-open connections', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let proxy: HalfOpenProxy

  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
    node = cluster.coordinator
    proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: node.pgPort })
    node.sidecar.start({
      ...quick,
      PGHOST: '127.0.0.1',
      PGPORT: String(proxy.port),
      CITUS_SIDECAR_FROZEN_AFTER: `${frozenAfter}ms`,
      CITUS_SIDECAR_CONNECT_TIMEOUT: `${limit}ms`,
      CITUS_SIDECAR_STATEMENT_TIMEOUT: `${limit}ms`,
    })
    await joined(node)
  })
  // One that fails must not leave its network to the next.
  afterEach(() => proxy.flow())
  after(async () => {
    await proxy[Symbol.asyncDispose]()
    await cluster.down()
  })

  /** Waits until the server has one session each of the held ones, and of the others at most one. */
  async function noLeftovers(): Promise<void> {
    await eventually(
      'the server has no leftover sessions',
      async () => {
        const uses = (await sidecarSessions(node.postgres)).map(({ use }) => use).filter((use) => use !== 'connect')
        if (uses.length !== new Set(uses).size) throw new Error(uses.join(', '))
        return ['verdict', 'probe', 'listen'].every((use) => uses.includes(use))
      },
      { deadline: 30_000 },
    )
  }

  /** Waits for a change to unready after `since` and returns how long it took. */
  async function becameUnready(since: number, reason: RegExp): Promise<number> {
    const { flips } = await until(node, `unready because ${reason}`, (status) =>
      status.flips.some((flip) => flip.at >= since && flip.verdict === 'ready' && !flip.ok && reason.test(flip.reason)),
    )
    const flip = flips.find((one) => one.at >= since && !one.ok)
    return (flip?.at ?? Number.POSITIVE_INFINITY) - since
  }

  test('is unready within the frozen limit when the verdict session is swallowed, and heals by itself', async () => {
    const since = Date.now()
    proxy.swallowOpen('citus-sidecar/verdict')
    assert.ok((await becameUnready(since, new RegExp(`^postgres: (${silent})`))) < frozenAfter + slack)
    // New connections pass, so that the next question finds its way.
    await joined(node)
    proxy.flow()
    await noLeftovers()
  })

  test('is unready within the frozen limit when nothing passes, alive meanwhile, and heals when bytes flow', async () => {
    const since = Date.now()
    proxy.swallow()
    assert.ok((await becameUnready(since, new RegExp(silent))) < frozenAfter + slack)
    const { ready } = await statusOf(node)
    assert.equal(ready.ok, false)
    assert.equal((await node.sidecar.get('/livez')).status, 200)
    proxy.flow()
    await joined(node)
    await noLeftovers()
  })

  test('is unready when only new connections are swallowed, although the held ones answer', async () => {
    const since = Date.now()
    proxy.swallow('citus-sidecar/connect')
    assert.ok((await becameUnready(since, new RegExp(`^connections: (${silent})`))) < frozenAfter + slack)
    const { ready } = await statusOf(node)
    assert.equal(ready.checks.find(({ name }) => name === 'postgres')?.status, 'ok')
    proxy.flow()
    await joined(node)
  })

  test('stays ready when the probe session is swallowed, notices within the limit of a query, and heals', async () => {
    const { flips } = await statusOf(node)
    const since = Date.now()
    const made = proxy.made.get('citus-sidecar/probe') ?? 0
    proxy.swallowOpen('citus-sidecar/probe')
    await eventually('it is given up for a new connection', () => (proxy.made.get('citus-sidecar/probe') ?? 0) > made, {
      deadline: 30_000,
    })
    assert.ok(Date.now() - since < limit + slack)
    await until(node, 'the session answers again', ({ readings }) => {
      const writable = readings['postgres.writable']
      return writable?.error === undefined && (writable?.begunAt ?? 0) > since
    })
    proxy.flow()
    assert.deepEqual((await statusOf(node)).flips, flips)
    await noLeftovers()
  })

  test('stays ready, marked stale, when ledger and listener are swallowed, notices both, and heals', async () => {
    const since = Date.now()
    proxy.swallow('citus-sidecar/ledger')
    proxy.swallow('citus-sidecar/listen')
    await until(node, 'it is blind', ({ join }) => join.finding === 'blind')
    const page = await node.sidecar.get('/readyz?verbose')
    assert.equal(page.status, 200)
    assert.match(
      page.body,
      /^\[!\]registered warning: stale: verified .* ago, since then the coordinator cannot be asked/m,
    )
    const { listening } = await until(node, 'it does not listen', (status) => !status.listening.up)
    // A heartbeat every 10 s, which has to come back within 5 s.
    assert.ok(Date.now() - since < 15_000 + slack)
    assert.match(listening.reason ?? '', /no answer to the heartbeat/)
    assert.equal((await node.sidecar.get('/readyz')).status, 200)
    proxy.flow()
    await until(node, 'it listens again', (status) => status.listening.up)
    await joined(node)
    await noLeftovers()
  })

  test('complains about nothing in all that, and leaves no session behind', async () => {
    assert.deepEqual(complaints(node), [])
    assert.equal(await node.sidecar.stop(), 0)
    await eventually('no session is left', async () => (await sidecarSessions(node.postgres)).length === 0)
  })
})
