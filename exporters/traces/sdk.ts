// OpenTelemetry's SDK, wired for traces alone. Nothing imports this file but who wants traces, for it loads some hundred modules;
// and it is to be loaded before pg is.
import { NodeSDK } from '@opentelemetry/sdk-node'
import { envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { RandomIdGenerator } from '@opentelemetry/sdk-trace'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { chosenOr } from './chosen-ids.ts'
import { CountedSpans } from './counted-spans.ts'
import type { CountedSpansOptions, TraceFigures } from './counted-spans.ts'
import { DiscreetQueries, hookPg } from './query-spans.ts'
import { spanEmitter } from './server-spans.ts'
import type { ServerSpan } from '../statements/server-span.ts'

export interface TracesOptions extends Pick<CountedSpansOptions, 'queue' | 'onSent'> {
  readonly protocol: 'http/protobuf' | 'http/json' | 'grpc'
  /** Of the resource; what OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say goes first. */
  readonly attributes: Readonly<Record<string, string | number>>
}

export interface Traces {
  readonly figures: TraceFigures
  /** For spans of another service, which have its resource attributes; its name is `postgresql` where they have none. */
  emitter(attributes: Readonly<Record<string, string | number>>): (span: ServerSpan) => void
  /** Sends what waits; takes as long as the receiver, so who waits for it needs a limit. */
  shutdown(): Promise<void>
}

/** The exporters read their endpoint, headers, certificates and compression from the standard variables. */
const exporters: Readonly<Record<TracesOptions['protocol'], () => Promise<SpanExporter>>> = {
  'http/protobuf': async () => new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(),
  'http/json': async () => new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter(),
}

/** Starts exporting; the sampler is that of OTEL_TRACES_SAMPLER. @throws what the SDK throws at a setting it cannot use. */
export async function startTraces({ protocol, attributes, queue, onSent }: TracesOptions): Promise<Traces> {
  const spans = new CountedSpans({ exporter: await exporters[protocol](), queue, onSent })
  const sdk = new NodeSDK({
    resource: resourceFromAttributes(attributes),
    resourceDetectors: [envDetector],
    instrumentations: [hookPg()],
    idGenerator: chosenOr(new RandomIdGenerator()),
    spanProcessors: [new DiscreetQueries(spans)],
    // Left out, both would be sent to a collector on this machine by default.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  return {
    get figures() {
      return spans.figures
    },
    emitter: (ofService) => spanEmitter(spans, ofService),
    shutdown: async () => await sdk.shutdown(),
  }
}
