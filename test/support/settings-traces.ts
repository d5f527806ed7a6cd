// Examples of the settings of traces and of statements in the log.
import type { SettingName } from '../../agent/settings.ts'
import { numbers, booleans, duration, endpoint, protocol, count, perMinute, word } from './setting-examples.ts'
import type { Example } from './setting-examples.ts'

/** What each accepts and refuses. */
export const traceExamples = {
  statements: booleans,
  spansPerMinute: perMinute,
  ownSpansPerMinute: perMinute,
  slowStatement: duration(['0s', 0], ['1d', 86_400_000], '0', '25h'),
  traceParameter: {
    good: [
      ['app.traceparent', 'app.traceparent'],
      ['my_app.a.b$1', 'my_app.a.b$1'],
    ],
    wrong: ['traceparent', 'App.x', '.x', 'app.', 'app.1x', "app.x'y", 'app.x y'],
  },
  linkPatience: duration(['1s', 1_000], ['10m', 600_000], '999ms', '601s'),
  serverService: word,
  otelDisabled: booleans,
  tracesExporter: {
    good: ['otlp', 'none'].map((word) => [word, word] as const),
    wrong: ['console', 'OTLP', 'otlp,console', 'jaeger'],
  },
  otlpEndpoint: endpoint,
  otlpTracesEndpoint: endpoint,
  otlpProtocol: protocol,
  otlpTracesProtocol: protocol,
  spanQueue: count,
  spanBatch: count,
  spanDelay: { good: [['0', 0]], wrong: [...numbers, '600001'] },
  spanTimeout: { good: [['30000', 30_000]], wrong: [...numbers, '0', '600001'] },
  traceProbes: {
    good: [
      ['metrics', new Map([['metrics', 1]])],
      [
        'postgres.stop-cost=0.25, citus.nodes=1',
        new Map([
          ['postgres.stop-cost', 0.25],
          ['citus.nodes', 1],
        ]),
      ],
    ],
    wrong: [',', 'citus.nodes=', 'citus.nodes=2', 'citus.nodes=-1', 'citus.nodes=1e-9', 'Citus Nodes', 'a=b'],
  },
  podName: word,
  podNamespace: word,
  podNode: word,
} as const satisfies Partial<Readonly<Record<SettingName, Example>>>
