// Spans that nobody had open: what was found out of others afterwards, made whole, of a service of its own. They go the way of all spans,
// by the same queue; no provider, sampler or instrumentation has a part in it, for who emits them has decided already.
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api'
import { defaultResource, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { ServerSpan } from '../statements/server-span.ts'

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const
const perSecond = 1_000_000
const scope = { name: 'citus-sidecar' }

function toHrTime(microseconds: number): HrTime {
  return [Math.floor(microseconds / perSecond), (microseconds % perSecond) * 1_000]
}

function contextOf(traceId: string, spanId: string): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED }
}

/**
 * Emits spans of one service, whose resource has these attributes and what else OTEL_RESOURCE_ATTRIBUTES says; its name is
 * `postgresql` where they have none, for OTEL_SERVICE_NAME is that of the sidecar.
 */
export function spanEmitter(
  to: { onEnd(span: ReadableSpan): void },
  attributes: Attributes,
): (span: ServerSpan) => void {
  // One object for all: the exporter sends the spans of one resource together.
  const resource = defaultResource()
    .merge(resourceFromAttributes(envDetector.detect().attributes ?? {}))
    .merge(resourceFromAttributes({ 'service.name': 'postgresql', ...attributes }))
  return ({
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    startedAt,
    endedAt,
    attributes: told,
    links,
    events,
    failed,
  }) => {
    const begun = Math.round(startedAt * 1_000)
    const took = Math.max(Math.round(endedAt * 1_000) - begun, 0)
    const own = contextOf(traceId, spanId)
    to.onEnd({
      name,
      kind: kinds[kind],
      spanContext: () => own,
      ...(parentSpanId !== undefined && { parentSpanContext: contextOf(traceId, parentSpanId) }),
      startTime: toHrTime(begun),
      endTime: toHrTime(begun + took),
      duration: toHrTime(took),
      ended: true,
      status: { code: failed === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
      attributes: told,
      links: links.map((link) => ({ context: contextOf(link.traceId, link.spanId) })),
      events: events.map(({ at, ...event }) => ({ ...event, time: toHrTime(Math.round(at * 1_000)) })),
      resource,
      instrumentationScope: scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    })
  }
}
