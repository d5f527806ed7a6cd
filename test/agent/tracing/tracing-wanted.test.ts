// Which settings switch traces on, and which off.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { loadConfig } from '../../../agent/config.ts'
import { tracesWanted } from '../../../agent/telemetry.ts'

suite('traces are', () => {
  const on: readonly Record<string, string>[] = [
    { OTEL_TRACES_EXPORTER: 'otlp' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces', OTEL_SDK_DISABLED: 'false' },
  ]
  const off: readonly Record<string, string>[] = [
    {},
    { OTEL_SERVICE_NAME: 'x' },
    { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
  ]
  const wanted = (env: Readonly<Record<string, string>>): boolean =>
    tracesWanted(loadConfig({ CITUS_SIDECAR_ROLE: 'standalone', ...env }, 'n'))
  for (const env of on) test(`on with ${JSON.stringify(env)}`, () => assert.equal(wanted(env), true))
  for (const env of off) test(`off with ${JSON.stringify(env)}`, () => assert.equal(wanted(env), false))
})
