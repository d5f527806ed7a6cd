// The pod-facing port of a running sidecar: what each page says, that no request asks PostgreSQL, and that whoever is slow,
// big or many is cut off.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { askHttp } from '../../deploy/local/http-answer.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, joined, statusOf, until } from '../support/joining.ts'
import { type Family, readMetrics } from '../support/prometheus-text.ts'
import { exchange } from '../support/raw-http.ts'
import { report } from '../support/status-shape.ts'

const routes = [
  '/livez',
  '/readyz',
  '/startupz',
  '/primary',
  '/replica',
  '/coordinator',
  '/worker',
  '/metrics',
  '/status',
]
/** A request has 5 s, looked at every second; the rest is for a busy machine, milliseconds. */
const cutOff = 20_000

suite('the HTTP port', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let port: number

  before(async () => {
    const postgresSettings = { log_statement: 'all', log_connections: 'on' }
    cluster = await startCluster({
      workers: 0,
      sidecars: false,
      postgresSettings,
      env: { CITUS_SIDECAR_HEARTBEAT_INTERVAL: '2s' },
    })
    node = cluster.coordinator
    port = node.sidecar.spec.httpPort
  })
  after(async () => await cluster.down())

  const metricsNow = async (): Promise<ReadonlyMap<string, Family>> => {
    const answer = await node.sidecar.get('/metrics')
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    return readMetrics(answer.body)
  }
  const values = (family: Family | undefined): unknown => [...(family?.samples ?? [])]

  test('of a sidecar that never reached PostgreSQL says so, and has no sample for what is not known', async () => {
    await node.postgres.stop()
    node.sidecar.start()
    await node.sidecar.answers('/livez')
    await until(
      node,
      'has tried',
      ({ readings }) => readings['postgres.alive']?.error !== undefined && readings['postgres.connect'] !== undefined,
    )
    const started = await node.sidecar.get('/startupz')
    assert.equal(started.status, 503)
    assert.match(
      started.body,
      /^\[-\]postgres failed: nothing listens where PostgreSQL should be \(.+\); look whether .+\nstartupz failed\n$/,
    )
    for (const role of ['/primary', '/replica', '/coordinator', '/worker']) {
      const { status, body } = await node.sidecar.get(role)
      assert.deepEqual([status, body], [503, 'coordinator unknown not ready\n'])
    }
    const metrics = await metricsNow()
    assert.deepEqual(values(metrics.get('pg_up')), [['pg_up', 0]])
    const unknown = [
      'pg_replication_is_replica',
      'pg_postmaster_start_time_seconds',
      'citus_node_registered',
      'citus_node_active',
      'citus_node_metadata_synced',
      'citus_peer_reachable',
      'citus_sidecar_last_verified_timestamp_seconds',
    ]
    for (const name of unknown) assert.deepEqual(values(metrics.get(name)), [], name)
    assert.deepEqual(values(metrics.get('citus_sidecar_started')), [['citus_sidecar_started', 0]])
    await node.postgres.start()
    await joined(node)
  })

  test('has every metric with help and type, and those of the process', async () => {
    const metrics = await metricsNow()
    for (const [name, { help, type }] of metrics) assert.ok(help !== '' && type !== '', name)
    for (const name of [
      'pg_up',
      'citus_node_registered',
      'citus_sidecar_live',
      'citus_sidecar_ready',
      'citus_sidecar_started',
    ])
      assert.deepEqual(values(metrics.get(name)), [[name, 1]])
    assert.deepEqual(values(metrics.get('pg_replication_is_replica')), [['pg_replication_is_replica', 0]])
    assert.deepEqual(values(metrics.get('citus_node_active')), [['citus_node_active{group="0"}', 1]])
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'process_start_time_seconds',
      'process_open_fds',
    ])
      assert.ok((metrics.get(name)?.samples.get(name) ?? 0) > 0, name)
    const runs = metrics.get('citus_sidecar_probe_success')?.samples
    assert.equal(runs?.get('citus_sidecar_probe_success{probe="postgres.alive"}'), 1)
  })

  test('says one line a check on ?verbose, and a word without', async () => {
    for (const route of ['livez', 'readyz', 'startupz']) {
      assert.equal((await node.sidecar.get(`/${route}`)).body, 'ok\n')
      const { status, body, headers } = await node.sidecar.get(`/${route}?verbose`)
      assert.equal(status, 200)
      assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
      assert.equal(headers['cache-control'], 'no-store')
      const lines = body.split('\n')
      assert.deepEqual(lines.splice(-2), [`${route} ok`, ''])
      assert.ok(lines.length > 0)
      for (const line of lines) assert.match(line, /^(?:\[\+\]\S+ ok|\[!\]\S+ warning|\[\?\]\S+ unknown)(?:: \S.*)?$/)
    }
    assert.match((await node.sidecar.get('/readyz?verbose')).body, /^\[\+\]postgres ok: answered in .+ ago$/m)
  })

  test('says what fails and what to do without being asked for more, and tells load balancers by role', async () => {
    const answers = async (): Promise<unknown> =>
      await Promise.all(
        ['primary', 'replica', 'coordinator', 'worker'].map(
          async (role) => (await node.sidecar.get(`/${role}`)).status,
        ),
      )
    assert.deepEqual(await answers(), [200, 503, 200, 503])
    assert.equal((await node.sidecar.get('/replica')).body, 'coordinator primary ready\n')
    await node.sidecar.control('POST', '/v1/maintenance', { on: true, reason: 'new disk' })
    const { status, body } = await node.sidecar.get('/readyz')
    assert.equal(status, 503)
    assert.match(
      body,
      /^\[-\]maintenance failed: in maintenance since \S+Z: new disk; run `citus-sidecar maintenance off` when done$/m,
    )
    assert.match(body, /\nreadyz failed\n$/)
    assert.deepEqual(await answers(), [503, 503, 503, 503])
    assert.equal((await node.sidecar.get('/livez')).status, 200)
    await node.sidecar.control('POST', '/v1/maintenance', { on: false })
    await joined(node)
  })

  test('gives /status as documented', async () => {
    const status = report.parse(await statusOf(node))
    assert.deepEqual(status.node, {
      ...status.node,
      name: 'coordinator',
      role: 'coordinator',
      host: 'localhost',
      port: node.pgPort,
    })
    assert.equal(status.join.finding, 'verified')
    assert.ok(status.flips.some((flip) => flip.verdict === 'ready' && flip.ok))
    assert.ok(status.startedAt <= status.now)
  })

  test('answers HEAD as GET without the body, 404 to what is not there and 405 to all else', async () => {
    const target = { host: '127.0.0.1', port }
    for (const path of routes) {
      const [head, get] = [await askHttp({ target, method: 'HEAD', path }), await askHttp({ target, path })]
      assert.deepEqual(
        [head.status, head.headers['content-type'], head.body],
        [get.status, get.headers['content-type'], ''],
      )
      assert.ok(Number(head.headers['content-length']) > 0, path)
      const post = await askHttp({ target, method: 'POST', path, body: {} })
      assert.deepEqual([post.status, post.headers['allow']], [405, 'GET, HEAD'])
    }
    const odd = '/%zz'
    assert.equal((await askHttp({ target, path: odd })).status, 400)
    assert.equal((await askHttp({ target, method: 'POST', path: odd, body: {} })).status, 405)
    for (const path of ['/', '/livez/', '/v1/status', '/v1/maintenance'])
      assert.equal((await node.sidecar.get(path)).status, 404)
  })

  test('asks PostgreSQL nothing, whatever and however often it is asked', async () => {
    const asked = (): number =>
      readFileSync(node.postgres.logFile, 'utf8').match(/ (?:statement|execute [^:]*|connection received): /g)
        ?.length ?? 0
    const rounds = 1_000
    await joined(node)
    const before = asked()
    for (const path of routes) {
      const request = `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
      const last = request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
      const { statuses } = await exchange(port, (socket) => socket.write(request.repeat(rounds - 1) + last), 60_000)
      assert.equal(statuses.filter((status) => status === 200 || status === 503).length, rounds)
    }
    // Whatever a request had left to be asked later has been asked when the probes of later are in the log.
    const answered = Date.now()
    await until(
      node,
      'has asked again',
      ({ readings }) => (readings['postgres.writable']?.begunAt ?? 0) > answered + 1_000,
    )
    const queries = asked() - before
    assert.ok(queries > 0, 'nothing is counted')
    // The probes go on by themselves, a few a second; one query a request of a single page would be far more.
    assert.ok(queries < rounds / 2, `${queries} queries during ${rounds} requests of each page`)
  })

  test('answers everything while PostgreSQL is frozen', async () => {
    await node.postgres.freeze()
    for (const path of [...routes, '/readyz?verbose'])
      assert.ok([200, 503].includes((await node.sidecar.get(path)).status))
    assert.equal((await until(node, 'is not ready', ({ ready }) => !ready.ok)).live.ok, true)
    for (const path of [...routes, '/readyz?verbose'])
      assert.ok([200, 503].includes((await node.sidecar.get(path)).status))
    node.postgres.thaw()
    await joined(node)
  })

  test('cuts off who is slow: nothing sent, headers dribbled, a body dribbled', async () => {
    const dribble = (start: string, drop: string) => (socket: Socket) => {
      socket.write(start)
      const timer = setInterval(() => socket.write(drop), 100)
      socket.once('close', () => clearInterval(timer))
    }
    const answers = await Promise.all([
      exchange(port, () => undefined, cutOff),
      exchange(port, dribble('GET /livez HTTP/1.1\r\nHost: a\r\n', 'X: y\r\n'), cutOff),
      exchange(port, dribble('GE', 'T'), cutOff),
      exchange(port, dribble('GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n', 'x'), cutOff),
      exchange(
        port,
        dribble('POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'),
        cutOff,
      ),
    ])
    assert.deepEqual(
      answers.map(({ closed }) => closed),
      answers.map(() => true),
    )
    assert.deepEqual(
      answers.map(({ statuses }) => statuses),
      [[408], [408], [400], [200], [405]],
    )
  })

  test('cuts off what is big: headers, a path, a body without end', async () => {
    const endless = (start: string) => (socket: Socket) => {
      const chunk = Buffer.alloc(65_536, 'x')
      const pump = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', pump)
      socket.write(start)
      pump()
    }
    const big = 'y'.repeat(9_000)
    const answers = await Promise.all([
      exchange(port, (socket) => socket.write(`GET /livez HTTP/1.1\r\nHost: a\r\nX: ${big}\r\n\r\n`), cutOff),
      exchange(port, (socket) => socket.write(`GET /${big} HTTP/1.1\r\nHost: a\r\n\r\n`), cutOff),
    ])
    assert.deepEqual(
      answers.map(({ statuses, closed }) => [statuses, closed]),
      answers.map(() => [[431], true]),
    )
    // Their answers may be lost with the rest of what is on its way; the end is what counts.
    for (const start of ['GET /livez', 'POST /livez', 'GET /metrics']) {
      const fields = 'HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n'
      assert.equal((await exchange(port, endless(`${start} ${fields}`), cutOff)).closed, true)
    }
    assert.equal((await exchange(port, endless('GET /livez HTTP/1.1\r\nX: '), cutOff)).closed, true)
  })

  test('drops connections above its limit, and serves again although nobody lets go', async () => {
    let dropped = 0
    const sockets = Array.from({ length: 400 }, () => connect({ port, host: '127.0.0.1' }))
    for (const socket of sockets)
      socket
        .on('error', () => undefined)
        .on('close', () => (dropped += 1))
        .resume()
    try {
      await eventually('those above 256 are dropped', () => dropped >= 400 - 256)
      await eventually('it serves again', async () => (await node.sidecar.get('/livez')).status === 200, {
        deadline: cutOff,
      })
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    assert.equal((await node.sidecar.get('/readyz')).status, 200)
    assert.deepEqual(complaints(node), [])
  })
})
