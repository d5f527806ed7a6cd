// Thousands of requests (10,000 in a soak) with random paths, methods, headers and bodies, and plain garbage, against a running sidecar whose
// PostgreSQL is up, frozen and gone: it never crashes, never fails, and turns away whatever is not GET or HEAD.
import assert from 'node:assert/strict'
import { Agent, METHODS, request } from 'node:http'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, joined, until } from '../support/joining.ts'
import { exchange } from '../support/raw-http.ts'
import { timesOf } from '../support/soak.ts'

interface Question {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

const probes = ['/livez', '/readyz', '/startupz', '/primary', '/replica', '/coordinator', '/worker']
/** Of 50 requests each, for every state of PostgreSQL. */
const rounds = timesOf(20, 60)

const routes = [...probes, '/metrics', '/status']

const escape = fc.oneof(
  fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
  fc.constantFrom('%', '%z', '%2', '%00', '%2e%2e', '%c0%ae', '..', '//', ';', '\\', '__proto__', '?', '&', '='),
)
const ascii = fc.integer({ min: 0x21, max: 0x7e })
const printable = (codes: fc.Arbitrary<number>): fc.Arbitrary<string> =>
  fc.string({ unit: codes.map((code) => String.fromCharCode(code)) })
// Node's parser turns other bytes and a second # away without answering a HEAD as one; they are among the raw requests.
const piece = fc.oneof(escape, printable(ascii.filter((code) => code !== 0x23)))
const noise = fc.oneof(
  fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
  fc.constant('x'.repeat(2_000)),
)
const path = fc.oneof(
  fc.constantFrom(...routes),
  fc
    .tuple(fc.constantFrom(...routes), fc.constantFrom('?verbose', '?', '?verbose&', '/', '', '/..'), noise)
    .map((all) => all.join('')),
  noise.map((text) => `/${text}`),
)
// CONNECT asks for a tunnel, which Node refuses by closing; it is among the raw requests below.
const method = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('GET', 'HEAD') },
  { weight: 1, arbitrary: fc.constantFrom(...METHODS.filter((name) => name !== 'CONNECT')) },
)
const headerName = fc.oneof(
  fc.constantFrom(
    'accept',
    'accept-encoding',
    'accept-version',
    'authorization',
    'content-type',
    'cookie',
    'expect',
    'host',
  ),
  fc.constantFrom(
    'if-none-match',
    'origin',
    'range',
    'traceparent',
    'upgrade',
    'x-forwarded-for',
    'x-http-method-override',
  ),
  fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/).map((name) => `x-${name}`),
)
const headerValue = fc.oneof(
  fc.constantFrom('', '*/*', 'application/json', '100-continue', 'h2c', 'bytes=0-', 'POST'),
  printable(fc.oneof(ascii, fc.integer({ min: 0x80, max: 0xff }))),
)
const question: fc.Arbitrary<Question> = fc.record({
  method,
  path,
  headers: fc.dictionary(headerName, headerValue, { maxKeys: 6 }),
  body: fc.option(fc.uint8Array({ maxLength: 3_000 }), { nil: undefined }),
})

const head = (line: string, ...fields: readonly string[]): string =>
  `${[line, 'Host: a', ...fields].join('\r\n')}\r\n\r\n`
const written = fc.oneof(
  fc.constantFrom(...routes).map((route) => head(`GET ${route} HTTP/1.1`)),
  fc.constantFrom(
    head('CONNECT a:1 HTTP/1.1'),
    head('OPTIONS * HTTP/1.1'),
    head('GET http://a/livez HTTP/1.1'),
    head('GET /readyz HTTP/9.9'),
    head('PRI * HTTP/2.0', '', 'SM'),
    head('GET /livez HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    head('POST /status HTTP/1.1', 'Content-Length: -1'),
    `${head('PUT /status HTTP/1.1', 'Transfer-Encoding: chunked')}fffffffffffffffff\r\n`,
    head('GET /livez HTTP/1.1', `X: ${'y'.repeat(9_000)}`),
    head(`GET /${'y'.repeat(9_000)} HTTP/1.1`),
    head('GET /livez HTTP/1.1', 'Upgrade: websocket', 'Connection: upgrade'),
  ),
  fc.string({ unit: 'binary', maxLength: 50 }).map((text) => head(`GET /${text} HTTP/1.1`)),
  fc.stringMatching(/^[A-Z]{1,12}$/).map((name) => head(`${name} /livez HTTP/1.1`)),
)
/** A request, or several after each other, with a few bytes replaced, or bytes that never were one. */
const raw = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(
      fc.array(written, { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([texts, changes]) => {
      const bytes = Buffer.from(texts.join(''), 'latin1')
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      return bytes
    }),
)

suite('10,000 random requests', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let port: number
  let pid: number | undefined
  let [asked, answered] = [0, 0]
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })

  before(async () => {
    cluster = await startCluster({ workers: 0 })
    node = cluster.coordinator
    await joined(node)
    port = node.sidecar.spec.httpPort
    pid = node.sidecar.pid
  })
  after(async () => {
    agent.destroy()
    await cluster.down()
  })

  async function ask(one: Question): Promise<number | undefined> {
    const { method: verb, path: target, headers, body } = one
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    // Node's client sends the body of a GET without its length: to the server that is the next request.
    const framed = body === undefined ? headers : { ...headers, 'content-length': body.length }
    const options = { agent, host: '127.0.0.1', port, method: verb, path: target, headers: framed, timeout: 20_000 }
    const call = request(options, (response) => {
      response.on('error', reject)
      response.on('end', () => resolve(response.statusCode)).resume()
    })
    call.on('timeout', () => call.destroy(new Error('no answer within 20 s')))
    call.on('error', (error: NodeJS.ErrnoException) => {
      const cut = error.code === 'ECONNRESET' || error.code === 'EPIPE'
      // A kept connection may have ended while it was unused; that is asked again on another one.
      if (cut && call.reusedSocket) resolve(ask(one))
      // The server does not wait for a body: its answer may be lost with the rest of what is still on its way.
      else if (cut && body !== undefined) resolve(undefined)
      else reject(error)
    })
    call.end(body)
    return await promise
  }

  function judge({ method: verb, path: target, headers }: Question, status: number | undefined): void {
    if (status === undefined) return
    answered += 1
    const read = verb === 'GET' || verb === 'HEAD'
    const malformed = [...(read && target.includes('%') ? [400] : []), ...('expect' in headers ? [417] : [])]
    const isProbe = probes.some((probe) => target.startsWith(probe))
    const good = read ? [200, 404, ...(isProbe ? [503] : [])] : [405]
    const what = JSON.stringify({ method: verb, path: target, headers })
    assert.ok([...good, ...malformed].includes(status), `${status} to ${what}`)
  }

  async function judgeRaw(bytes: Buffer): Promise<void> {
    asked += 1
    const { statuses, closed } = await exchange(port, (socket) => socket.end(bytes), 20_000)
    const what = JSON.stringify(bytes.toString('latin1'))
    assert.ok(closed, `the connection stayed open after ${what}`)
    for (const status of statuses) assert.ok(status < 500 || status === 503, `${status} to ${what}`)
    if (statuses.length > 0) answered += 1
  }

  /** Sends `runs` times 50 questions at a time. */
  async function questions(runs: number): Promise<void> {
    const property = fc.asyncProperty(fc.array(question, { minLength: 50, maxLength: 50 }), async (batch) => {
      asked += batch.length
      const statuses = await Promise.all(batch.map(ask))
      for (const [index, one] of batch.entries()) judge(one, statuses[index])
      assert.equal(node.sidecar.pid, pid)
    })
    await fc.assert(property, { numRuns: runs, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true })
    await unharmed()
  }

  async function unharmed(): Promise<void> {
    assert.equal(node.sidecar.pid, pid)
    assert.equal((await node.sidecar.get('/livez')).status, 200)
  }

  test('while PostgreSQL is ready', async () => {
    await questions(rounds)
    await joined(node)
  })

  test('that are no requests at all', async () => {
    const property = fc.asyncProperty(fc.array(raw, { minLength: 20, maxLength: 20 }), async (batch) => {
      await Promise.all(batch.map(async (bytes) => await judgeRaw(bytes)))
      assert.equal(node.sidecar.pid, pid)
    })
    await fc.assert(property, {
      numRuns: timesOf(20, 50),
      interruptAfterTimeLimit: 120_000,
      markInterruptAsFailure: true,
    })
    await unharmed()
  })

  test('while PostgreSQL is frozen', async () => {
    await node.postgres.freeze()
    await questions(rounds)
    await until(node, 'is not ready', ({ ready }) => !ready.ok)
    node.postgres.thaw()
    await joined(node)
  })

  test('while PostgreSQL is gone', async () => {
    await node.postgres.kill()
    await until(node, 'is not ready', ({ ready }) => !ready.ok)
    await questions(rounds)
  })

  test('were answered, and left nothing in the log', () => {
    assert.ok(asked >= timesOf(3_400, 10_000), `${asked} were sent`)
    assert.ok(answered > 0.9 * asked, `${answered} of ${asked} were answered`)
    assert.deepEqual(complaints(node), [])
  })
})
