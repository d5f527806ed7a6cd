// The Collector's own word on the configurations for traces, and spans of real sidecars on their way through one that runs with the project's file.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'
import { quick } from '../../support/joining.ts'
import {
  answersProbes,
  complaintsOf,
  configurations,
  OtelCollector,
  withoutCollector,
} from '../../support/otel-collector.ts'
import { startGrpcReceiver } from '../../support/otlp-receiver.ts'

suite('a Collector that runs', { skip: withoutCollector }, () => {
  for (const [name, configuration] of Object.entries(configurations))
    test(`takes ${name}.yaml as far as it has the components, and nothing that it does not know`, async () => {
      assert.equal(await complaintsOf(...configuration), '')
      const wrong = '--config=yaml:{"processors":{"batch":{"no_such_key":1}}}'
      assert.match(await complaintsOf(...configuration, wrong), /no_such_key/)
    })

  test('passes on every span that sidecars send, whole', async (context) => {
    await using receiver = await startGrpcReceiver()
    await using collector = await OtelCollector.start(receiver.url)
    if (answersProbes)
      await eventually('its probe is answered', async () => (await fetch(collector.health)).status === 200)
    else context.diagnostic('this Collector has no health_check: the file runs without that extension')
    const env = { ...quick, OTEL_EXPORTER_OTLP_ENDPOINT: collector.http, OTEL_BSP_SCHEDULE_DELAY: '100' }
    await using cluster = await startCluster({ workers: 1, env })

    const spansOf = (node: string) => receiver.spans.filter(({ resource }) => resource['service.instance.id'] === node)
    const root = await eventually('the registration is behind the Collector', () =>
      spansOf('worker-1').find(({ name }) => name === 'register'),
    )
    const [row] = await cluster.coordinator.postgres.query(
      `select traceparent from citus_sidecar.operations where member = 'worker-1'`,
    )
    assert.deepEqual(row, { traceparent: `00-${root.traceId}-${root.spanId}-01` })
    for (const node of cluster.nodes) {
      await eventually(`all spans of ${node.name} are behind the Collector`, async () => {
        const { body } = await node.sidecar.get('/metrics')
        assert.match(body, /^citus_sidecar_spans_dropped_total 0$/m)
        const exported = Number(/^citus_sidecar_spans_exported_total (\d+)$/m.exec(body)?.[1])
        return exported > 0 && exported === spansOf(node.name).length
      })
    }
    const spans = receiver.spans.filter(({ traceId }) => traceId === root.traceId)
    const ids = new Set(spans.map(({ spanId }) => spanId))
    assert.equal(ids.size, spans.length, 'none came twice')
    for (const { name, parentSpanId, resource } of spans) {
      assert.ok(name === 'register' ? parentSpanId === '' : ids.has(parentSpanId), `${name} hangs in its trace`)
      assert.equal(resource['service.name'], 'citus-sidecar')
      assert.equal(resource['citus.cluster.name'], 'default')
    }
    for (const name of ['register turn', 'register act', 'SELECT citus_sidecar.register'])
      assert.ok(
        spans.some((span) => span.name === name),
        name,
      )
    assert.equal(root.attributes['citus.operation.outcome'], 'succeeded')
    assert.deepEqual(
      root.events.map(({ name }) => name),
      ['operation.started', 'operation.succeeded'],
    )
  })

  for (const protocol of ['http/protobuf', 'http/json', 'grpc'] as const)
    test(`takes ${protocol}`, async () => {
      await using receiver = await startGrpcReceiver()
      await using collector = await OtelCollector.start(receiver.url)
      await using cluster = await startCluster({
        workers: 0,
        prepare: 'nothing',
        env: {
          PGDATABASE: 'app',
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? collector.grpc : collector.http,
        },
      })
      const { code, stderr } = await cluster.coordinator.command(['bootstrap', '--create'])
      assert.equal(code, 0, stderr)
      const names = ['bootstrap', 'bootstrap database', 'bootstrap schema']
      await eventually('the trace is behind the Collector', () =>
        names.every((name) => receiver.spans.some((span) => span.name === name)),
      )
      assert.equal(new Set(receiver.spans.map(({ traceId }) => traceId)).size, 1)
    })
})
