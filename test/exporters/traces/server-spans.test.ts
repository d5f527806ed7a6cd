// Spans that were made whole, as a receiver gets them: of a service of their own, exact to the microsecond, in the queue of all.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { trace } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { CountedSpans } from '../../../exporters/traces/counted-spans.ts'
import { spanEmitter } from '../../../exporters/traces/server-spans.ts'
import type { ServerSpan } from '../../../exporters/statements/server-span.ts'
import { OtlpReceiver } from '../../support/otlp-receiver.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const made: ServerSpan = {
  traceId,
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  name: 'SELECT orders',
  kind: 'server',
  // Before this process began, which is what the SDK takes a number for milliseconds since the start by.
  startedAt: 1_000.001,
  endedAt: 1_002.5,
  attributes: { 'db.system.name': 'postgresql' },
  links: [],
  failed: undefined,
  events: [],
}

function counted(receiver: OtlpReceiver, most = 100): CountedSpans {
  const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
  return new CountedSpans({
    exporter,
    queue: { most, batch: 100, delay: 60_000, timeout: 1_000 },
    onSent: () => undefined,
  })
}

suite('a span that is emitted', () => {
  test('is received as it was made, in a resource of its own beside that of the sidecar', async () => {
    await using receiver = await OtlpReceiver.start()
    const spans = counted(receiver)
    const before = trace.getTracerProvider()
    const emit = spanEmitter(spans, { 'citus.group.id': 2 })
    const resource = resourceFromAttributes({ 'service.name': 'citus-sidecar' })
    const provider = new TracerProvider({ sampler: new AlwaysOnSampler(), resource, spanProcessors: [spans] })
    provider.getTracer('test').startSpan('register').end()
    const link = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }
    emit({ ...made, links: [link], failed: '23505', events: [{ name: 'plan', at: 1_001, attributes: { a: 1 } }] })
    emit({
      ...made,
      spanId: '1'.repeat(16),
      kind: 'client',
      parentSpanId: undefined,
      startedAt: 1_700_000_000_123.456,
      endedAt: 0,
    })
    await spans.forceFlush()
    assert.equal(trace.getTracerProvider(), before)
    const [own, server, client] = receiver.spans
    assert.equal(own?.resource['service.name'], 'citus-sidecar')
    assert.deepEqual(
      { ...server, resource: undefined, scope: undefined },
      {
        name: made.name,
        traceId,
        spanId: made.spanId,
        parentSpanId: made.parentSpanId,
        kind: 'SPAN_KIND_SERVER',
        attributes: made.attributes,
        events: [{ name: 'plan', attributes: { a: 1 } }],
        links: [link],
        status: { code: 'STATUS_CODE_ERROR', message: '' },
        begun: 1_000_001_000n,
        startedAt: 1_000.001,
        endedAt: 1_002.5,
        took: 2.499,
        resource: undefined,
        scope: undefined,
      },
    )
    assert.deepEqual([server?.resource['service.name'], server?.resource['citus.group.id']], ['postgresql', 2])
    assert.deepEqual([client?.kind, client?.parentSpanId, client?.took], ['SPAN_KIND_CLIENT', '', 0])
    assert.equal(client?.begun, 1_700_000_000_123_456_000n)
    assert.deepEqual(spans.figures, { exported: 3, dropped: 0 })
  })

  test('is dropped and counted where the queue is full', async () => {
    await using receiver = await OtlpReceiver.start()
    const spans = counted(receiver, 2)
    const emit = spanEmitter(spans, { 'service.name': 'orders-db' })
    for (let round = 0; round < 5; round += 1) emit(made)
    await spans.forceFlush()
    // Two are on their way at once, two wait for that.
    assert.deepEqual(spans.figures, { exported: 4, dropped: 1 })
    assert.equal(receiver.spans[0]?.resource['service.name'], 'orders-db')
  })
})
