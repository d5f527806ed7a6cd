// Traces of real sidecars, received by a real receiver: what is loaded, what is told of an operation and its queries, what is not told,
// and that the receiver's moods are nobody else's trouble.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { OWN_AGENT } from '../../deploy/local/agent-command.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, quick } from '../support/joining.ts'
import { OtlpReceiver, startGrpcReceiver } from '../support/otlp-receiver.ts'
import type { ReceivedSpan } from '../support/otlp-receiver.ts'

/** Writes the URL of every module that the process loads into a file. */
function recordsModules(file: string): string {
  const hook = `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs'
    registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(file)}, url + '\\n'); return next(url, context) } })`
  return `--import=data:text/javascript,${encodeURIComponent(hook)}`
}

/** OpenTelemetry's packages that a sidecar has loaded, by themselves or in what was built of them, which names each of its parts. */
function packagesIn(file: string): readonly string[] {
  const urls = [...new Set(readFileSync(file, 'utf8').trim().split('\n'))]
  const built = urls.filter((url) => url.startsWith(new URL('.', pathToFileURL(OWN_AGENT)).href))
  const parts = built.flatMap((url) => readFileSync(new URL(url), 'utf8').match(/^ *\/\/ .*\bnode_modules\/.*/gm) ?? [])
  const found = [...urls, ...parts].map(
    (one) => /node_modules\/(@opentelemetry\/[^/]+|pg|@grpc\/[^/]+)\//.exec(one)?.[1],
  )
  return [...new Set(found)].filter((name) => name !== undefined).toSorted()
}

test('off, a sidecar loads nothing of OpenTelemetry but its API, and tells no metrics of it', async () => {
  await using cluster = await startCluster({ workers: 0, sidecars: false, env: { ...quick, OTEL_SERVICE_NAME: 'x' } })
  const { sidecar, runDir } = cluster.coordinator
  const file = join(runDir, 'modules')
  sidecar.start({ NODE_OPTIONS: recordsModules(file) })
  await joined(cluster.coordinator)
  await eventually('modules are on record', () => existsSync(file))
  assert.deepEqual(packagesIn(file), ['@opentelemetry/api', 'pg'])
  assert.doesNotMatch((await sidecar.get('/metrics')).body, /citus_sidecar_spans/)
})

suite('the trace of a registration', () => {
  let receiver: OtlpReceiver
  let cluster: LocalCluster
  let spans: readonly ReceivedSpan[]
  before(async () => {
    receiver = await OtlpReceiver.start()
    const env = { ...quick, ...receiver.env, K8S_POD_NAME: 'pod-0', K8S_NAMESPACE_NAME: 'db', K8S_NODE_NAME: 'machine' }
    cluster = await startCluster({ workers: 1, env })
    const root = await eventually('the registration is told', () =>
      receiver.spans.find(
        ({ name, resource }) => name === 'register' && resource['service.instance.id'] === 'worker-1',
      ),
    )
    spans = receiver.spans.filter(({ traceId }) => traceId === root.traceId)
  })
  after(async () => {
    await cluster.down()
    await receiver[Symbol.asyncDispose]()
  })

  const one = (name: string): ReceivedSpan => {
    const [found, ...others] = spans.filter((span) => span.name === name)
    assert.ok(
      found !== undefined && others.length === 0,
      `one span ${name} in ${spans.map((span) => span.name).join(', ')}`,
    )
    return found
  }

  test('is one trace: the operation, its parts, and under them the queries', () => {
    const root = one('register')
    assert.equal(root.parentSpanId, '')
    assert.equal(one('register turn').parentSpanId, root.spanId)
    assert.equal(one('register act').parentSpanId, root.spanId)
    const call = one('SELECT citus_sidecar.register')
    assert.equal(call.parentSpanId, one('register act').spanId)
    assert.equal(call.kind, 'SPAN_KIND_CLIENT')
    assert.equal(call.attributes['db.system.name'], 'postgresql')
    assert.equal(call.attributes['db.query.summary'], call.name)
    assert.equal(call.attributes['db.operation.name'], 'SELECT')
    assert.equal(spans.filter(({ name }) => name === 'SELECT citus_sidecar.record_operation').length, 2)
  })

  test('says who, what and how it came out, with what happened as events', () => {
    const { attributes, events, resource, status } = one('register')
    assert.equal(attributes['citus.operation.kind'], 'add')
    assert.equal(attributes['citus.operation.outcome'], 'succeeded')
    assert.equal(attributes['citus.member'], 'worker-1')
    assert.deepEqual(
      events.map(({ name }) => name),
      ['operation.started', 'operation.succeeded'],
    )
    assert.notEqual(status.code, 'STATUS_CODE_ERROR')
    const { 'service.version': version, ...rest } = resource
    assert.match(String(version), /^\d/)
    const told = ['service', 'k8s', 'citus'].map((word) =>
      Object.entries(rest).filter(([name]) => name.startsWith(word)),
    )
    assert.deepEqual(Object.fromEntries(told.flat()), {
      'service.name': 'citus-sidecar',
      'service.instance.id': 'worker-1',
      'k8s.pod.name': 'pod-0',
      'k8s.namespace.name': 'db',
      'k8s.node.name': 'machine',
      'citus.node.role': 'worker',
      'citus.cluster.name': 'default',
    })
  })

  test('is on record in the ledger and in the log', async () => {
    const { traceId, spanId } = one('register')
    const [row] = await cluster.coordinator.postgres.query(
      `select traceparent from citus_sidecar.operations where member = 'worker-1'`,
    )
    assert.deepEqual(row, { traceparent: `00-${traceId}-${spanId}-01` })
    const line = cluster
      .node('worker-1')
      .sidecar.log()
      .find(({ event }) => event === 'operation.started')
    assert.deepEqual([line?.['trace_id'], line?.['span_id'], line?.['trace_flags']], [traceId, spanId, '01'])
  })

  test('is all there is: probes, scrapes and connections make no spans', async () => {
    const { sidecar } = cluster.node('worker-1')
    for (const path of ['/metrics', '/status', '/readyz']) await sidecar.get(path)
    const metrics = await eventually('all spans are counted', async () => {
      const { body } = await sidecar.get('/metrics')
      return body.includes(`citus_sidecar_spans_exported_total ${spans.length}\n`) ? body : undefined
    })
    assert.match(metrics, /^citus_sidecar_spans_dropped_total 0$/m)
  })

  test('holds no text of a query and no value', () => {
    for (const { attributes } of receiver.spans)
      assert.deepEqual(
        Object.keys(attributes).filter((name) => /text|values|parameter/.test(name)),
        [],
      )
    const bytes = Buffer.concat(receiver.bodies).toString('latin1')
    for (const secret of [cluster.passwords.citus_sidecar, 'system_identifier', '::jsonb'])
      assert.ok(!bytes.includes(secret))
  })
})

for (const protocol of ['http/protobuf', 'http/json'])
  test(`bootstrap is a trace by ${protocol}, sent before the command ends, without the password's verifier`, async () => {
    await using receiver = await OtlpReceiver.start()
    await using cluster = await startCluster({
      workers: 0,
      prepare: 'nothing',
      env: { PGDATABASE: 'app', OTEL_EXPORTER_OTLP_PROTOCOL: protocol, ...receiver.env },
    })
    const { code, stderr } = await cluster.coordinator.command(['bootstrap', '--create'])
    assert.equal(code, 0, stderr)
    const names = receiver.spans.map(({ name }) => name)
    for (const name of ['bootstrap', 'bootstrap database', 'bootstrap schema', 'ALTER ROLE', 'COMMIT'])
      assert.ok(names.includes(name), `${name} in ${names.join(', ')}`)
    assert.equal(new Set(receiver.spans.map(({ traceId }) => traceId)).size, 1)
    assert.ok(!Buffer.concat(receiver.bodies).includes('SCRAM'))
  })

test('bootstrap is a trace by grpc', async () => {
  await using receiver = await startGrpcReceiver()
  const env = { PGDATABASE: 'app', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }
  await using cluster = await startCluster({ workers: 0, prepare: 'nothing', env })
  const { code, stderr } = await cluster.coordinator.command(['bootstrap', '--create'])
  assert.equal(code, 0, stderr)
  assert.deepEqual(
    receiver.spans
      .map(({ name }) => name)
      .filter((name) => name.startsWith('bootstrap'))
      .toSorted(),
    ['bootstrap', 'bootstrap database', 'bootstrap schema'],
  )
})

test('by grpc a receiver that does not answer costs a command two seconds at its end, and no more', async () => {
  await using silent = await OtlpReceiver.start()
  silent.mood = 'silent'
  await using cluster = await startCluster({
    workers: 0,
    prepare: 'nothing',
    env: { PGDATABASE: 'app', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: silent.url },
  })
  const begun = performance.now()
  const { code, stderr } = await cluster.coordinator.command(['bootstrap', '--create'])
  assert.equal(code, 0, stderr)
  assert.ok(performance.now() - begun < 10_000)
})

test('a failed bootstrap says its SQLSTATE in the span of the query and in those above, and no message', async () => {
  await using receiver = await OtlpReceiver.start()
  await using cluster = await startCluster({
    workers: 0,
    prepare: 'nothing',
    env: { PGDATABASE: 'app', ...receiver.env },
  })
  await cluster.coordinator.postgres.query('create database app')
  await cluster.coordinator.postgres.query(
    'create schema citus_sidecar; create view citus_sidecar.members as select 1',
    [],
    {
      database: 'app',
    },
  )
  const { code } = await cluster.coordinator.command(['bootstrap', '--create'])
  assert.equal(code, 1)
  const failed = receiver.spans.filter(({ status }) => status.code === 'STATUS_CODE_ERROR')
  assert.ok(failed.length >= 3, failed.map(({ name }) => name).join(', '))
  for (const { name, status, attributes } of failed) {
    assert.equal(status.message, '', name)
    assert.match(String(attributes['error.type']), /^[0-9A-Z]{5}$/, name)
    assert.equal(attributes['db.response.status_code'], attributes['error.type'], name)
  }
})
