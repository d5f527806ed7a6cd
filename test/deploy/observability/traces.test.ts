// The configurations for traces: a pipeline names only what is there, and limits memory before anything else.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

interface Collector {
  readonly extensions: object
  readonly receivers: { readonly otlp: { readonly protocols: object } }
  readonly processors: object
  readonly exporters: object
  readonly service: {
    readonly extensions: readonly string[]
    readonly pipelines: {
      readonly traces: Readonly<Record<'receivers' | 'processors' | 'exporters', readonly string[]>>
    }
  }
}

for (const name of ['otel-collector', 'jaeger'])
  test(`${name}.yaml holds together`, () => {
    const file = new URL(`../../../deploy/observability/traces/${name}.yaml`, import.meta.url)
    const found = parse(readFileSync(file, 'utf8')) as Collector
    const { traces } = found.service.pipelines
    for (const part of ['receivers', 'processors', 'exporters'] as const)
      assert.deepEqual(traces[part].toSorted(), Object.keys(found[part]).toSorted(), part)
    assert.deepEqual(found.service.extensions.toSorted(), Object.keys(found.extensions).toSorted())
    assert.equal(traces.processors[0], 'memory_limiter')
    assert.deepEqual(Object.keys(found.receivers.otlp.protocols), ['grpc', 'http'])
  })
