// The span of an operation that an earlier process began: the same span, told once, and only where it was to be told.
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { trace } from '@opentelemetry/api'
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  RandomIdGenerator,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { durationFigures } from '../../../agent/tracing/durations.ts'
import { OperationTrace } from '../../../agent/tracing/operation-trace.ts'
import { chosenOr } from '../../../exporters/traces/chosen-ids.ts'

const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(
  new TracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    idGenerator: chosenOr(new RandomIdGenerator()),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  }),
)
const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
/** Long before this process. */
const startedAt = Date.UTC(2026, 0, 2, 3, 4, 5, 6)

function told(): readonly ReadableSpan[] {
  return exporter.getFinishedSpans()
}

suite('an operation that is taken up', () => {
  beforeEach(() => exporter.reset())

  test('ends the span that was begun, from its begin, and its phases are under it', async () => {
    const traceparent = `00-${traceId}-${spanId}-01`
    const operation = new OperationTrace('drain', {}, undefined, { traceparent, startedAt })
    assert.equal(operation.traceparent, traceparent)
    await operation.part('flush', async () => await Promise.resolve())
    operation.end('complete')
    const [phase, root] = told()
    assert.deepEqual([phase?.name, phase?.parentSpanContext?.spanId], ['drain flush', spanId])
    assert.notEqual(phase?.spanContext().spanId, spanId)
    assert.deepEqual([root?.spanContext().traceId, root?.spanContext().spanId], [traceId, spanId])
    assert.equal(root?.parentSpanContext, undefined)
    assert.deepEqual(root?.startTime, [startedAt / 1_000 - 0.006, 6_000_000])
    assert.equal(root?.attributes['citus.resumed'], true)
  })

  test('that was not sampled is not told now either', async () => {
    const traceparent = `00-${traceId}-${spanId}-00`
    const operation = new OperationTrace('drain', {}, undefined, { traceparent, startedAt })
    await operation.part('flush', async () => await Promise.resolve())
    operation.end('complete')
    assert.equal(operation.traceparent, traceparent)
    assert.deepEqual(told(), [])
  })

  test('of which no span is known has one of its own, from its begin', () => {
    for (const traceparent of [undefined, null, 'garbage', `00-${'0'.repeat(32)}-${spanId}-01`])
      new OperationTrace('drain', {}, undefined, { traceparent, startedAt }).end('complete')
    assert.equal(new Set(told().map((span) => span.spanContext().traceId)).size, 4)
    for (const { startTime, attributes } of told()) {
      assert.equal(startTime[0], Math.floor(startedAt / 1_000))
      assert.equal(attributes['citus.resumed'], undefined)
    }
  })

  test('is counted from its begin, with the span that it has', () => {
    const traceparent = `00-${traceId}-${spanId}-01`
    new OperationTrace('removal of this test', {}, undefined, { traceparent, startedAt }).end('failed')
    const found = durationFigures().operations.filter(({ labels }) => labels?.['operation'] === 'removal of this test')
    const sum = found.find(({ suffix }) => suffix === '_sum')?.value ?? 0
    assert.ok(Math.abs(sum - (Date.now() - startedAt) / 1_000) < 10)
    const last = found.find(({ labels }) => labels?.['le'] === Number.POSITIVE_INFINITY)
    assert.deepEqual(last?.exemplar?.labels, { trace_id: traceId, span_id: spanId })
  })
})
