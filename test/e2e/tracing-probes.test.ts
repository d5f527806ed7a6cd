// Probes and scrapes that a person named, told as spans by a real sidecar: each run with its queries, and no other's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, quick } from '../support/joining.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'

test('a named probe is a span a run with its queries under it, a named scrape is one, and what fails says what of', async () => {
  await using receiver = await OtlpReceiver.start()
  const env = { ...quick, ...receiver.env, CITUS_SIDECAR_TRACE_PROBES: 'postgres.alive,metrics' }
  await using cluster = await startCluster({ workers: 0, env })
  const { sidecar, postgres } = cluster.coordinator
  await joined(cluster.coordinator)
  await sidecar.get('/metrics')
  await eventually('all of it is told', () =>
    ['register', 'GET /metrics', 'probe postgres.alive'].every((name) => receiver.named(name).length > 0),
  )
  const probes = receiver.named('probe postgres.alive')
  const ids = new Map(receiver.spans.map((span) => [span.spanId, span]))
  for (const { spanId, parentSpanId, attributes } of probes) {
    assert.equal(parentSpanId, '')
    assert.equal(attributes['error.type'], undefined)
    const [query, ...others] = receiver.spans.filter((span) => span.parentSpanId === spanId)
    assert.ok(query !== undefined && others.length === 0)
    assert.equal(query.kind, 'SPAN_KIND_CLIENT')
  }
  const roots = receiver.spans.filter(({ parentSpanId }) => parentSpanId === '').map(({ name }) => name)
  assert.deepEqual([...new Set(roots)].toSorted(), ['GET /metrics', 'probe postgres.alive', 'register'])
  assert.ok(receiver.spans.every(({ parentSpanId }) => parentSpanId === '' || ids.has(parentSpanId)))

  await postgres.stop()
  await eventually('a failure is told', () =>
    receiver
      .named('probe postgres.alive')
      .some(({ attributes, status }) => attributes['error.type'] !== undefined && status.code === 'STATUS_CODE_ERROR'),
  )
})

test('a name that is none is refused at start with those that there are', async () => {
  await using cluster = await startCluster({ workers: 0, sidecars: false })
  const { code, stderr } = await cluster.coordinator.command(['run'], { CITUS_SIDECAR_TRACE_PROBES: 'postgres.cost' })
  assert.equal(code, 2)
  assert.match(stderr, /CITUS_SIDECAR_TRACE_PROBES: postgres\.cost is no probe here; allowed: .*postgres\.stop-cost/)
})
