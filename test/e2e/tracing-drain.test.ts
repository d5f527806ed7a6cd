// A worker's drain with the coordinator's hold and the pooler's: one trace across their sidecars and a restart of one, and as fast
// and as complete where the receiver is down, silent, garbling or refusing.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { nothingIsLeft } from '../support/aftermath.ts'
import { beginDrain, drained, drainWhole, inPhase } from '../support/draining.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { makeWritten } from '../support/node-holds.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import type { Mood, ReceivedSpan } from '../support/otlp-receiver.ts'
import { withoutPgBouncer } from '../support/pool-holds.ts'

suite('the trace of a drain', { skip: withoutPgBouncer }, () => {
  let receiver: OtlpReceiver
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    receiver = await OtlpReceiver.start()
    cluster = await startCluster({
      workers: 2,
      poolers: 1,
      env: {
        ...quick,
        ...receiver.env,
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '1h',
        CITUS_SIDECAR_LOG_LEVEL: 'debug',
      },
    })
    worker = cluster.node('worker-1')
    await joined(worker)
    await makeWritten(cluster)
    for (const { sidecar } of [...cluster.nodes, ...cluster.poolers]) await sidecar.answers('/readyz', patience)
  })
  after(async () => {
    await cluster.down()
    await receiver[Symbol.asyncDispose]()
  })

  /** The spans of a drain, once the wanted ones are all there. */
  async function traceOf(id: string, ...wanted: readonly string[]): Promise<readonly ReceivedSpan[]> {
    return await eventually(
      `spans of drain ${id}`,
      () => {
        const own = receiver.spans.find(({ attributes }) => attributes['citus.operation.id'] === id)
        const spans = receiver.spans.filter(({ traceId }) => traceId === own?.traceId)
        return wanted.every((name) => spans.some((span) => span.name === name)) ? spans : undefined
      },
      {
        context: () =>
          receiver.spans.map(({ name, resource }) => `${name} ${String(resource['service.instance.id'])}`).join('\n'),
      },
    )
  }

  async function comesBack(id: string): Promise<void> {
    await worker.postgres.restart()
    await joined(worker)
    await nothingIsLeft(cluster, worker, id)
  }

  test('goes through worker, coordinator and pooler, and ends with the return', async () => {
    const id = await drainWhole(worker)
    await comesBack(id)
    const spans = await traceOf(id, 'drain', 'drain return', 'node hold', 'pool hold')
    const who = ({ resource }: ReceivedSpan): unknown => resource['service.instance.id']
    const one = (name: string): ReceivedSpan => {
      const [found, ...others] = spans.filter((span) => span.name === name)
      assert.ok(found !== undefined && others.length === 0, `${others.length + 1} spans ${name}`)
      return found
    }
    const root = one('drain')
    assert.equal(root.parentSpanId, '')
    assert.equal(root.attributes['citus.operation.outcome'], 'complete')
    const phases = ['cause', 'prepare', 'hold', 'unready', 'drain', 'settle', 'flush', 'keep']
    for (const phase of phases) assert.equal(one(`drain ${phase}`).parentSpanId, root.spanId, phase)
    assert.equal(one('drain return').parentSpanId, root.spanId)
    const events = root.events.map(({ name }) => name)
    assert.ok(events.includes('drain.started') && events.includes('drain.ended'), events.join(', '))

    for (const [name, holder] of [
      ['node hold', 'coordinator'],
      ['pool hold', 'pooler-1'],
    ] as const) {
      const hold = one(name)
      assert.equal(who(hold), holder)
      assert.equal(hold.parentSpanId, one('drain hold').spanId)
      assert.equal(hold.attributes['citus.operation.outcome'], 'released')
      assert.equal(one(`${name} pause`).parentSpanId, hold.spanId)
      assert.ok(hold.events.some((event) => event.name === 'hold.paused'))
    }
    assert.equal(who(one('PAUSE')), 'pooler-1')
    // One lock on the coordinator and one on the other worker.
    assert.equal(
      spans.filter((span) => span.name.endsWith('SELECT citus_sidecar.hold_node') && who(span) === 'coordinator')
        .length,
      2,
    )
    // Every span of it has a parent that was received: nothing dangles.
    const ids = new Set(spans.map(({ spanId }) => spanId))
    assert.deepEqual(
      spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId)).map(({ name }) => name),
      [],
    )
    assert.ok(spans.length < 250, `${spans.length} spans`)
    const [row] = await cluster.coordinator.postgres.query(
      `select traceparent from citus_sidecar.operations where id = '${id}'`,
    )
    assert.equal(row?.['traceparent'], `00-${root.traceId}-${root.spanId}-01`)
  })

  test('is one with one root that began when it did, though its sidecar is killed and another takes it up', async () => {
    const open = await worker.postgres.connect()
    await open.query('begin; select txid_current()')
    const held = receiver.named('drain hold').length
    const begunAt = Date.now()
    const { id } = await beginDrain(worker)
    await inPhase(worker, 'drain')
    // What a killed process has not sent is lost.
    await eventually('the hold is told', () => receiver.named('drain hold').length > held)
    await worker.sidecar.kill()
    const killedAt = Date.now()
    worker.sidecar.start()
    await worker.sidecar.answers('/livez', patience)
    await open.query('commit')
    await open.end().catch(() => undefined)
    await drained(worker)
    await comesBack(id)
    const spans = await traceOf(id, 'drain', 'drain return', 'node hold', 'pool hold', 'drain hold', 'drain keep')
    const [root, ...others] = spans.filter(({ name }) => name === 'drain')
    assert.ok(root !== undefined && others.length === 0, `${others.length + 1} roots`)
    assert.equal(root.attributes['citus.resumed'], true)
    assert.equal(root.attributes['citus.operation.outcome'], 'complete')
    assert.equal(root.parentSpanId, '')
    const startedAt = Number(root.begun / 1_000_000n)
    assert.ok(startedAt >= begunAt && startedAt < killedAt, `${startedAt} is not from ${begunAt} to ${killedAt}`)
    const [row] = await cluster.coordinator.postgres.query(
      `select traceparent from citus_sidecar.operations where id = '${id}'`,
    )
    assert.equal(row?.['traceparent'], `00-${root.traceId}-${root.spanId}-01`)
    // Those before the kill and those after it; one whose end was not on record is gone through again.
    const phases = ['cause', 'prepare', 'hold', 'unready', 'drain', 'settle', 'flush', 'keep', 'return']
    const told = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId).map(({ name }) => name)
    assert.deepEqual([...new Set(told)].toSorted(), phases.map((phase) => `drain ${phase}`).toSorted())
    assert.equal(new Set(receiver.spans.map(({ spanId }) => spanId)).size, receiver.spans.length)
    // What was asked in the phase that was killed is all that has lost its parent.
    const ids = new Set(spans.map(({ spanId }) => spanId))
    const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))
    assert.deepEqual(
      orphans.filter(({ scope, begun }) => scope === 'citus-sidecar' || begun > BigInt(killedAt) * 1_000_000n),
      [],
    )
  })

  const moods: readonly Mood[] = ['silent', 'garbled', 'refusing', 'busy']
  for (const mood of moods)
    test(`and whose receiver is ${mood} is as fast and complete`, async () => {
      receiver.mood = mood
      try {
        const before = performance.now()
        const requests = receiver.requests
        const id = await drainWhole(worker)
        await comesBack(id)
        assert.ok(performance.now() - before < 20_000)
        await eventually('the receiver was asked', () => receiver.requests > requests)
      } finally {
        receiver.mood = 'well'
      }
    })

  test('and whose receiver is away: what is lost is counted and said once, and what comes later is told', async () => {
    const { sidecar } = cluster.node('worker-2')
    await sidecar.stop()
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '500' }
    sidecar.start(env)
    const node = cluster.node('worker-2')
    await joined(node)
    const lines = sidecar.log().length
    const id = await drainWhole(node)
    await node.postgres.restart()
    await joined(node)
    await nothingIsLeft(cluster, node, id)
    await eventually('spans are lost', async () =>
      /^citus_sidecar_spans_dropped_total [1-9]/m.test((await sidecar.get('/metrics')).body),
    )
    const lost = sidecar
      .log()
      .slice(lines)
      .filter(({ event }) => event === 'traces.lost')
    assert.equal(lost.length, 1)
    const before = performance.now()
    assert.equal(await sidecar.stop(), 0)
    assert.ok(performance.now() - before < 8_000)
    sidecar.start()
    await joined(node)
  })

  test('and a sidecar that ends tells what waits, whatever the pace', async () => {
    const node = cluster.node('worker-2')
    await node.sidecar.stop()
    node.sidecar.start({ OTEL_BSP_SCHEDULE_DELAY: '600000' })
    await joined(node)
    const id = await drainWhole(node)
    const told = (): boolean =>
      receiver.named('drain').some(({ attributes }) => attributes['citus.operation.id'] === id)
    assert.equal(told(), false)
    await node.postgres.stop()
    assert.equal(await node.sidecar.stop(), 0)
    assert.equal(told(), true)
    await node.postgres.start()
    node.sidecar.start()
    await joined(node)
  })

  test('and one whose receiver is silent at the end waits two seconds for it, and no more', async () => {
    const node = cluster.node('worker-2')
    await node.sidecar.stop()
    node.sidecar.start({ OTEL_BSP_SCHEDULE_DELAY: '600000' })
    await joined(node)
    await drainWhole(node)
    await node.postgres.stop()
    receiver.mood = 'silent'
    const before = performance.now()
    try {
      assert.equal(await node.sidecar.stop(), 0)
    } finally {
      receiver.mood = 'well'
    }
    const took = performance.now() - before
    assert.ok(took > 1_900 && took < 5_000, `${took} ms`)
    await node.postgres.start()
  })
})
