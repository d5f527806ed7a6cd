// Chosen ids: the one span that was meant has them, and nothing else ever does.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AlwaysOnSampler, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace'
import { chosenOr, withIds } from '../../../exporters/traces/chosen-ids.ts'

const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
const tracer = new TracerProvider({
  sampler: new AlwaysOnSampler(),
  idGenerator: chosenOr(new RandomIdGenerator()),
}).getTracer('test')
const isChosen = (found: { traceId: string; spanId: string }): boolean =>
  found.traceId === ids.traceId || found.spanId === ids.spanId

suite('chosen ids', () => {
  test('are those of the span that is started with them, and of none before, after or beside it', () => {
    const before = tracer.startSpan('before').spanContext()
    const [own, second] = withIds(ids, () => [tracer.startSpan('own'), tracer.startSpan('second')] as const)
    const after = tracer.startSpan('after').spanContext()
    assert.deepEqual(own.spanContext(), { ...ids, traceFlags: 1, traceState: undefined })
    for (const other of [before, second.spanContext(), after]) assert.equal(isChosen(other), false)
  })

  test('do not reach what is started later by what was started with them, nor its children but by their trace', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const later = withIds(ids, async () => {
      await promise
      return tracer.startSpan('later').spanContext()
    })
    resolve()
    assert.equal(isChosen(await later), false)
    const own = withIds(ids, () => tracer.startSpan('own'))
    const child = tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, own)).spanContext()
    assert.equal(child.traceId, ids.traceId)
    assert.notEqual(child.spanId, ids.spanId)
  })

  test('of a span with a parent are its own, in the trace of the parent', () => {
    const parent = tracer.startSpan('parent')
    const above = trace.setSpan(ROOT_CONTEXT, parent)
    const own = withIds(ids, () => tracer.startSpan('own', {}, above)).spanContext()
    assert.equal(own.spanId, ids.spanId)
    assert.equal(own.traceId, parent.spanContext().traceId)
    assert.equal(isChosen(tracer.startSpan('after').spanContext()), false)
  })

  test('are forgotten where starting fails', () => {
    assert.throws(() =>
      withIds(ids, () => {
        throw new Error('no')
      }),
    )
    assert.equal(isChosen(tracer.startSpan('after').spanContext()), false)
  })
})
