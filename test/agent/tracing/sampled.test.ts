// What is sampled by name: as often as it was said, no more than its bound, and nothing else.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { trace } from '@opentelemetry/api'
import { AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { sampledBy } from '../../../agent/tracing/sampled.ts'
import type { Sampled } from '../../../agent/tracing/sampled.ts'

const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(
  new TracerProvider({ sampler: new AlwaysOnSampler(), spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
)
const probes = [{ name: 'citus.nodes' }, { name: 'citus.peers' }]

/** Runs one so often; returns how many spans were made. */
async function spansOf(sampled: Sampled, name: string, times: number): Promise<number> {
  exporter.reset()
  for (let round = 0; round < times; round += 1)
    await sampled(name, `probe ${name}`, async () => await Promise.resolve())
  return exporter.getFinishedSpans().length
}

suite('a probe', () => {
  test('that is not named makes no span, and gives what it gives', async () => {
    const sampled = sampledBy(
      undefined,
      probes,
      () => 0,
      () => 0,
    )
    assert.equal(await spansOf(sampled, 'citus.nodes', 3), 0)
    assert.equal(await sampled('citus.nodes', 'probe', async () => await Promise.resolve(7)), 7)
  })

  test('that is named with a share makes spans by chance', async () => {
    let tenths = 0
    const random = (): number => (tenths++ % 10) / 10
    const sampled = sampledBy(new Map([['citus.nodes', 0.25]]), probes, random, () => 0)
    assert.equal(await spansOf(sampled, 'citus.nodes', 40), 12)
    assert.equal(await spansOf(sampled, 'citus.peers', 40), 0)
  })

  test('makes sixty a minute at most, and sixty in the next', async () => {
    let now = 0
    const sampled = sampledBy(new Map([['metrics', 1]]), probes, Math.random, () => now)
    assert.equal(await spansOf(sampled, 'metrics', 100), 60)
    now = 59_999
    assert.equal(await spansOf(sampled, 'metrics', 1), 0)
    now = 60_000
    assert.equal(await spansOf(sampled, 'metrics', 100), 60)
  })

  test('that fails says what of, in a span that has no parent', async () => {
    const sampled = sampledBy(new Map([['citus.nodes', 1]]), probes, Math.random, () => 0)
    exporter.reset()
    const failing = async (): Promise<never> => await Promise.reject(Object.assign(new Error('x'), { code: '57014' }))
    await assert.rejects(async () => await sampled('citus.nodes', 'probe citus.nodes', failing))
    const [span, ...others] = exporter.getFinishedSpans()
    assert.deepEqual(others, [])
    assert.equal(span?.name, 'probe citus.nodes')
    assert.equal(span.parentSpanContext, undefined)
    assert.equal(span.attributes['error.type'], '57014')
  })

  test('of another name is refused with those that there are', () => {
    assert.throws(
      () => sampledBy(new Map([['citus.node', 1]]), probes, Math.random, () => 0),
      /^SidecarError: CITUS_SIDECAR_TRACE_PROBES: citus\.node is no probe here; allowed: citus\.nodes, citus\.peers, metrics$/,
    )
  })
})
