// A receiver of traces for tests: OTLP over HTTP or gRPC, decoded by OpenTelemetry's own published definitions; its mood is what the test says.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import definitions from '@opentelemetry/otlp-proto-exporter-base/build/src/generated/root.js'

type Values = Readonly<Record<string, unknown>>

/** One span as it was received. */
export interface ReceivedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  /** Empty where it is the first of its trace. */
  readonly parentSpanId: string
  readonly kind: string
  readonly attributes: Values
  readonly events: readonly { readonly name: string; readonly attributes: Values }[]
  readonly status: { readonly code: string; readonly message: string }
  readonly resource: Values
  readonly scope: string
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly endedAt: number
  /** Milliseconds. */
  readonly took: number
  /** Nanoseconds since 1970. */
  readonly begun: bigint
}

/** `silent` takes requests and never answers; `garbled` answers 200 with bytes that mean nothing; `refusing` with 400, `busy` with 503. */
export type Mood = 'well' | 'silent' | 'garbled' | 'refusing' | 'busy'

interface AnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string | number
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values?: readonly AnyValue[] }
}
interface Pair {
  readonly key: string
  readonly value?: AnyValue
}
interface WireSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly Pair[]
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly Pair[] }[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status?: { readonly code?: string; readonly message?: string }
}
interface WireRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly Pair[] }
    readonly scopeSpans?: readonly {
      readonly scope?: { readonly name?: string }
      readonly spans?: readonly WireSpan[]
    }[]
  }[]
}

/** What the definitions are made of; their own types know no more than a root. */
interface Definitions {
  readonly opentelemetry: {
    readonly proto: { readonly collector: { readonly trace: { readonly v1: Readonly<Record<string, RequestType>> } } }
  }
}
interface RequestType {
  decode(bytes: Uint8Array): object
  toObject(message: object, how: object): object
}
const { ExportTraceServiceRequest: requestType } = (definitions as unknown as Definitions).opentelemetry.proto.collector
  .trace.v1

function hex(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('hex')
}

function valueOf({ stringValue, boolValue, intValue, doubleValue, arrayValue }: AnyValue): unknown {
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(valueOf)
  return stringValue ?? boolValue ?? (intValue === undefined ? doubleValue : Number(intValue))
}

function valuesOf(pairs: readonly Pair[] = []): Values {
  return Object.fromEntries(pairs.map(({ key, value = {} }) => [key, valueOf(value)]))
}

/** What a request holds; `id` turns an id as the encoding has it into hexadecimal digits. */
function spansOf({ resourceSpans = [] }: WireRequest, id: (text: string | undefined) => string): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        name: span.name,
        traceId: id(span.traceId),
        spanId: id(span.spanId),
        parentSpanId: id(span.parentSpanId),
        kind: span.kind,
        attributes: valuesOf(span.attributes),
        events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: valuesOf(attributes) })),
        status: { code: span.status?.code ?? '', message: span.status?.message ?? '' },
        resource: valuesOf(resource?.attributes),
        scope: scope?.name ?? '',
        links: (span.links ?? []).map((link) => ({ traceId: id(link.traceId), spanId: id(link.spanId) })),
        begun: BigInt(span.startTimeUnixNano),
        startedAt: Number(span.startTimeUnixNano) / 1e6,
        endedAt: Number(span.endTimeUnixNano) / 1e6,
        took: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
      })),
    ),
  )
}

function decoded(body: Uint8Array): ReceivedSpan[] {
  if (requestType === undefined) throw new Error('the definitions have no request of traces')
  const plain = requestType.toObject(requestType.decode(body), { longs: String, enums: String, bytes: String })
  return spansOf(plain as WireRequest, hex)
}

/** A receiver that speaks gRPC; `spans` grows as they come. */
export async function startGrpcReceiver(): Promise<AsyncDisposable & { url: string; spans: ReceivedSpan[] }> {
  const server = new GrpcServer()
  const spans: ReceivedSpan[] = []
  const service = {
    export: {
      path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  }
  server.addService(service, {
    export: ({ request }: { request: Buffer }, answer: (error: null, bytes: Buffer) => void) => {
      spans.push(...decoded(request))
      answer(null, Buffer.alloc(0))
    },
  })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  )
  const url = `http://127.0.0.1:${await promise}`
  return { url, spans, [Symbol.asyncDispose]: async () => await Promise.resolve(server.forceShutdown()) }
}

/** A receiver on this machine; disposing ends it. */
export class OtlpReceiver implements AsyncDisposable {
  mood: Mood = 'well'
  /** Requests, answered or not. */
  requests = 0
  /** The body of each request that was received well, as it came. */
  readonly bodies: Buffer[] = []
  readonly spans: ReceivedSpan[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, answer) => void this.#take(request, answer))
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver()
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Settings of a sidecar that exports here, soon. */
  get env(): Readonly<Record<string, string>> {
    return { OTEL_EXPORTER_OTLP_ENDPOINT: this.url, OTEL_BSP_SCHEDULE_DELAY: '100' }
  }

  named(name: string): readonly ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name)
  }

  async #take(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    this.requests += 1
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    if (this.mood === 'silent') return
    if (this.mood === 'refusing' || this.mood === 'busy') {
      answer.writeHead(this.mood === 'busy' ? 503 : 400).end('no')
      return
    }
    if (this.mood === 'garbled') {
      answer.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(Buffer.alloc(4_096, 0xff))
      return
    }
    const whole = Buffer.concat(parts)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole
    this.bodies.push(body)
    const type = String(request.headers['content-type'])
    if (type.includes('json'))
      this.spans.push(...spansOf(JSON.parse(body.toString()) as WireRequest, (text) => text ?? ''))
    else this.spans.push(...decoded(body))
    answer.writeHead(200, { 'content-type': type }).end(type.includes('json') ? '{}' : '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
