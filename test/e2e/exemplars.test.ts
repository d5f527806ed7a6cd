// From a bucket of a latency histogram to the trace: a real Prometheus keeps, of the operations that a receiver was told, the ids.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { PrometheusServer, withoutPrometheus } from '../support/prometheus-server.ts'

const metric = 'citus_sidecar_operation_duration_seconds'

test('a Prometheus knows the span of a registration by its duration', { skip: withoutPrometheus }, async () => {
  await using receiver = await OtlpReceiver.start()
  await using cluster = await startCluster({ workers: 1, env: { ...quick, ...receiver.env } })
  const worker = cluster.node('worker-1')
  await joined(worker)
  await using prometheus = await PrometheusServer.start([{ name: 'worker-1', url: worker.url }])
  const [found, ...others] = await eventually(
    'exemplars are kept',
    async () => {
      const all = await prometheus.exemplars(`${metric}_bucket`)
      return all.length > 0 ? all : undefined
    },
    { deadline: patience },
  )
  assert.deepEqual(others, [])
  const { operation, outcome } = found?.seriesLabels ?? {}
  assert.deepEqual([operation, outcome], ['register', 'succeeded'])
  const root = await eventually('the registration is told', () =>
    receiver.named('register').find(({ resource }) => resource['service.instance.id'] === 'worker-1'),
  )
  const { labels, value } = found?.exemplars[0] ?? {}
  assert.deepEqual(labels, { trace_id: root.traceId, span_id: root.spanId })
  // The one clock is read a moment before the other.
  assert.ok(Math.abs(Number(value) * 1_000 - root.took) < 100, `${value} s and ${root.took} ms`)
  const text = await (await fetch(`${worker.url}/metrics`, { headers: { accept: 'text/plain' } })).text()
  assert.match(text, /^citus_sidecar_operation_phase_duration_seconds_bucket\{operation="register",phase="act",/m)
  assert.doesNotMatch(text, /trace_id/)
  assert.deepEqual(await prometheus.types(metric), new Set(['histogram']))
})

test('spans that are not sampled are in no bucket, and what was counted is counted all the same', async () => {
  await using receiver = await OtlpReceiver.start()
  const env = { ...quick, ...receiver.env, OTEL_TRACES_SAMPLER: 'always_off' }
  await using cluster = await startCluster({ workers: 0, env })
  const { sidecar } = cluster.coordinator
  await joined(cluster.coordinator)
  const scrape = async (accept: string): Promise<string> =>
    await (await fetch(`${sidecar.url}/metrics`, { headers: { accept } })).text()
  const counted = new RegExp(`^${metric}_count\\{operation="register",outcome="succeeded"\\} 1$`, 'm')
  const openmetrics = 'application/openmetrics-text'
  await eventually('the registration is counted', async () => counted.test(await scrape(openmetrics)))
  assert.doesNotMatch(await scrape(openmetrics), /trace_id/)
})
