// The configurations for traces: a pipeline names only what is there, limits memory before anything else, and sets nothing that their programs
// do not know. What they know is here what their sources publish, since no package brings a Collector or a Jaeger; collector.test.ts starts a Collector
// where the machine has one.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

type Settings = Readonly<Record<string, unknown>>
const parts = ['receivers', 'processors', 'exporters'] as const

interface Collector {
  readonly extensions: Settings
  readonly receivers: Settings
  readonly processors: Settings
  readonly exporters: Settings
  readonly service: {
    readonly extensions: readonly string[]
    readonly pipelines: Readonly<Record<string, Readonly<Record<(typeof parts)[number], readonly string[]>>>>
  }
}

/**
 * Settings by component, from the schemas (config.schema.yaml, *.schema.yaml) of opentelemetry-collector, opentelemetry-collector-contrib and
 * jaeger 2; `*` is a name that the file chooses. Those of them that the files may use, not all.
 */
const known: Readonly<Record<string, readonly string[]>> = {
  'extensions health_check': ['endpoint', 'path', 'tls'],
  'extensions jaeger_storage': ['backends.*.memory.max_traces'],
  'extensions jaeger_query': [
    'storage.traces',
    'storage.traces_archive',
    'base_path',
    'http.endpoint',
    'grpc.endpoint',
  ],
  'receivers otlp': ['protocols.grpc.endpoint', 'protocols.http.endpoint'],
  'processors memory_limiter': [
    'check_interval',
    'limit_mib',
    'spike_limit_mib',
    'limit_percentage',
    'spike_limit_percentage',
    'min_gc_interval_when_soft_limited',
    'min_gc_interval_when_hard_limited',
  ],
  'processors batch': ['timeout', 'send_batch_size', 'send_batch_max_size', 'metadata_keys'],
  'exporters otlp_grpc': [
    'endpoint',
    'tls.insecure',
    'tls.ca_file',
    'compression',
    'timeout',
    'sending_queue.enabled',
    'sending_queue.queue_size',
    'sending_queue.num_consumers',
    'retry_on_failure.enabled',
    'retry_on_failure.max_interval',
    'retry_on_failure.max_elapsed_time',
  ],
  'exporters jaeger_storage_exporter': ['trace_storage'],
}

/** Settings as paths. */
function pathsOf(settings: unknown, at: readonly string[] = []): readonly string[] {
  if (typeof settings !== 'object' || settings === null) return [at.join('.')]
  return Object.entries(settings).flatMap(([name, value]) =>
    pathsOf(value, [...at, at[0] === 'backends' && at.length === 1 ? '*' : name]),
  )
}

for (const name of ['otel-collector', 'jaeger']) {
  const file = new URL(`../../../deploy/observability/traces/${name}.yaml`, import.meta.url)
  const found = parse(readFileSync(file, 'utf8')) as Collector

  test(`${name}.yaml holds together`, () => {
    const pipelines = Object.values(found.service.pipelines)
    for (const part of parts)
      assert.deepEqual(
        [...new Set(pipelines.flatMap((pipeline) => pipeline[part]))].toSorted(),
        Object.keys(found[part]).toSorted(),
        part,
      )
    assert.deepEqual(found.service.extensions.toSorted(), Object.keys(found.extensions).toSorted())
    for (const { processors } of pipelines) assert.equal(processors[0], 'memory_limiter')
    assert.deepEqual(Object.keys(found.receivers['otlp'] as Settings), ['protocols'])
    assert.deepEqual(Object.keys(found.service.pipelines), ['traces'])
  })

  test(`${name}.yaml sets nothing that is not known`, () => {
    for (const part of ['extensions', ...parts] as const)
      for (const [component, settings] of Object.entries(found[part])) {
        // A component may have a name behind its type.
        const all = known[`${part} ${component.split('/')[0]}`]
        assert.ok(all !== undefined, `${part} ${component}`)
        const own = Object.keys(settings as Settings).length === 0 ? [] : pathsOf(settings)
        assert.deepEqual(
          own.filter((path) => !all.includes(path)),
          [],
          component,
        )
      }
  })
}

test('jaeger.yaml reads and writes the storage that it has', () => {
  const text = readFileSync(new URL('../../../deploy/observability/traces/jaeger.yaml', import.meta.url), 'utf8')
  const { extensions, exporters } = parse(text) as {
    extensions: { jaeger_storage: { backends: Settings }; jaeger_query: { storage: { traces: string } } }
    exporters: { jaeger_storage_exporter: { trace_storage: string } }
  }
  const [storage, ...others] = Object.keys(extensions.jaeger_storage.backends)
  assert.deepEqual(others, [])
  assert.equal(extensions.jaeger_query.storage.traces, storage)
  assert.equal(exporters.jaeger_storage_exporter.trace_storage, storage)
})
