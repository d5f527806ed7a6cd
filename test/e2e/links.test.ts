// Sidecars ask each other for the parents of tasks: addresses through a real ledger, requests over real ports.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { announce, readMembers } from '../../agent/cluster/ledger.ts'
import { sidecarAddresses } from '../../agent/cluster/sidecar-addresses.ts'
import { buildServer } from '../../agent/http/server.ts'
import type { View } from '../../agent/http/view.ts'
import { systemClock } from '../../agent/loop/clock.ts'
import { askHttp } from '../../deploy/local/http-answer.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { LinkAsker } from '../../exporters/statements/link-asker.ts'
import type { LinkOutcome } from '../../exporters/statements/link-peer.ts'
import { linkRequest } from '../../exporters/statements/link-request.ts'
import { LinkStore } from '../../exporters/statements/link-store.ts'
import { linksUrl } from '../../exporters/statements/link-wire.ts'
import type { AskBatch } from '../../exporters/statements/link.ts'
import { wallClock } from '../../exporters/statements/wall-clock.ts'
import type { Sql } from '../../probes/sql.ts'
import { complaints, eventuallyEqual, joined, quick } from '../support/joining.ts'
import { exchange } from '../support/raw-http.ts'
import { commandOf, statementOf, taskOf } from '../support/linked-statements.ts'

const now = wallClock(Date.now, () => performance.now())
const traceOf = (name: string): string => Buffer.from(name.padEnd(16).slice(0, 16)).toString('hex')

/** What a sidecar's thread will be: its store, its asker, and a port on which others ask. */
class FakeSidecar {
  readonly store: LinkStore
  readonly asker: LinkAsker<(outcome: LinkOutcome) => unknown>
  readonly server: FastifyInstance
  readonly #ending = new AbortController()

  constructor(nodeId: string, from: string, addresses: () => ReadonlyMap<string, string>) {
    const options = { running: () => [], since: now() - 60_000, limit: 1_000, keepFor: 60_000 }
    this.store = new LinkStore({ ...options, nodeId: () => nodeId })
    this.asker = new LinkAsker({
      onEnd: (told, outcome) => told(outcome),
      clock: { now, sleep: async (ms, signal) => await systemClock.sleep(ms, signal) },
      random: Math.random,
      request: linkRequest(now),
      own: { nodeId: () => nodeId, store: this.store },
      addresses,
      from: () => from,
      patience: 5_000,
      limit: 100,
    })
    const links: View['links'] = async (batch: AskBatch) =>
      await Promise.resolve(batch.asks.map((ask) => this.store.resolve(ask, batch)))
    this.server = buildServer({ links } as View)
    void this.asker.run(this.#ending.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    await this.server.close()
  }
}

suite('the parents of tasks', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({ workers: 1, env: quick })
    worker = cluster.node('worker-1')
    for (const node of cluster.nodes) await joined(node)
  })
  after(async () => await cluster.down())

  const ledger: Sql = {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await cluster.coordinator.postgres.query(text, [...values])) as readonly Row[],
  }

  test('are asked for where the ledger says that each sidecar answers', async () => {
    const nodes = await ledger.query<{ id: number; port: number }>(
      'select nodeid as id, nodeport as port from pg_dist_node',
    )
    const wanted = nodes.map(({ id, port }) => {
      const { sidecar } = cluster.nodes.find(({ pgPort }) => pgPort === port) ?? cluster.coordinator
      return [String(id), `http://localhost:${sidecar.spec.httpPort}`]
    })
    assert.equal(wanted.length, 2)
    await eventuallyEqual(
      'all have their addresses',
      async () => Object.fromEntries(sidecarAddresses(await readMembers(ledger))),
      Object.fromEntries(wanted),
    )
  })

  test('are not told by a sidecar that makes no spans of queries, whatever it is asked', async () => {
    for (const path of [linksUrl({ asks: [], uncertainty: 1, from: undefined }), '/links', '/links?list=all']) {
      const { status, body } = await worker.sidecar.get(path)
      assert.deepEqual([status, body], [404, 'no spans are made of queries here\n'])
    }
    const target = { host: '127.0.0.1', port: worker.sidecar.spec.httpPort }
    for (const method of ['POST', 'PUT', 'DELETE'])
      assert.equal((await askHttp({ target, method, path: '/links', body: {} })).status, 405)
    const long = `GET /links?uncertainty=1&ask=${'1'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`
    assert.deepEqual((await exchange(target.port, (socket) => socket.write(long))).statuses, [431])
  })

  test('are told across nodes, to each side by the other, by all methods', async () => {
    const members = await readMembers(ledger)
    for (const node of cluster.nodes) await node.sidecar.kill()
    const names = cluster.nodes.map(({ name }) => members.find((member) => member.name === name))
    let addresses: ReadonlyMap<string, string> = new Map()
    const sides = names.map((member) => {
      assert.ok(member !== undefined && member.nodeId !== null)
      const nodeId = String(member.nodeId)
      const from = `${member.host}:${member.port}`
      return { member, from, nodeId, fake: new FakeSidecar(nodeId, from, () => addresses) }
    })
    await using stack = new AsyncDisposableStack()
    for (const { member, fake } of sides) {
      stack.use(fake)
      const { port: http } = new URL(await fake.server.listen({ host: 'localhost', port: 0 }))
      const { name, role, host, port } = member
      await announce(ledger, {
        name,
        role,
        host,
        port,
        group_wanted: null,
        state: 'ready',
        ready: true,
        reason: '',
        sidecar_version: '0',
        maintenance: null,
        lag_bytes: null,
        heartbeat_seconds: 30,
        http_port: Number(http),
      })
    }
    addresses = sidecarAddresses(await readMembers(ledger))
    const outcomes: [string, LinkOutcome][] = []
    const [one, other] = sides
    assert.ok(one !== undefined && other !== undefined)
    for (const [initiator, asker] of [
      [one, other],
      [other, one],
      [one, one],
    ] as const) {
      const at = now() - 1_000
      const times = { startedAt: at, endedAt: at + 200 }
      const gpid = `${initiator.nodeId}${String(process.pid).padStart(10, '0')}`
      const traceId = traceOf(initiator.nodeId)
      const commandSpans = [traceOf('command').slice(0, 16)]
      const within = { startedAt: at + 20, endedAt: at + 180, gpid }
      const context = { traceId, spanId: traceOf('caller').slice(0, 16), sampled: true, source: 'guc' as const }
      const sent = commandOf({ text: `task of ${asker.nodeId}`, server: asker.from, issuedAt: Math.floor(at) + 10 })
      const record = { ...statementOf().record, pid: process.pid }
      const ids = { traceId, spanId: traceOf('statement').slice(0, 16), sampled: true, commandSpans }
      initiator.fake.store.add(
        statementOf({ ...times, record, context, commands: [{ ...sent, endedAt: at + 190 }] }),
        ids,
      )
      initiator.fake.store.read(now())
      const told = (outcome: LinkOutcome): unknown => outcomes.push([`${initiator.nodeId} to ${asker.nodeId}`, outcome])
      for (const task of [{ text: sent.text }, { text: 'x', context }, { text: 'x' }])
        asker.fake.asker.add(taskOf({ ...within, ...task }), told)
      await eventuallyEqual('all three are told', () => Promise.resolve(outcomes.length), 3)
      const found = outcomes.splice(0).map(([way, outcome]) => ['link' in outcome ? outcome.link.method : outcome, way])
      const way = `${initiator.nodeId} to ${asker.nodeId}`
      assert.deepEqual(found, [
        ['command', way],
        ['context', way],
        ['time', way],
      ])
      const clock = asker.fake.asker.figures.clocks.get(initiator.nodeId)
      if (asker === initiator) continue
      assert.ok(clock !== undefined && Math.abs(clock.offset) <= clock.uncertainty + 1, JSON.stringify(clock))
    }
    for (const node of cluster.nodes) node.sidecar.start()
    for (const node of cluster.nodes) await joined(node)
    for (const node of cluster.nodes) assert.deepEqual(complaints(node), [])
  })

  test('are told at a rate that has an end, and wrong questions get an answer that says so', async () => {
    await using fake = new FakeSidecar('1', 'a:1', () => new Map())
    const port = Number(new URL(await fake.server.listen({ host: '127.0.0.1', port: 0 })).port)
    const target = { host: '127.0.0.1', port }
    const wrong = await askHttp({ target, path: '/links?uncertainty=1&ask=select' })
    assert.deepEqual([wrong.status, wrong.body.slice(0, 26)], [400, 'ask: "select" is not GPID,'])
    assert.equal((await askHttp({ target, path: '/links?uncertainty=1' })).status, 200)
    const request = 'GET /links?uncertainty=1 HTTP/1.1\r\nHost: a\r\n'
    const many = `${request}\r\n`.repeat(3_000) + `${request}Connection: close\r\n\r\n`
    const { statuses } = await exchange(port, (socket) => socket.write(many), 60_000)
    assert.equal(statuses.length, 3_001)
    assert.ok(statuses.filter((status) => status === 200).length >= 290)
    assert.ok(statuses.includes(429))
    assert.equal(
      (await exchange(port, (socket) => socket.write('POST /links HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')))
        .statuses[0],
      405,
    )
  })
})
