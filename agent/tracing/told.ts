// What the log and a trace know of each other: lines carry the span they were written in, spans the events that were reported in them.
import { isSpanContextValid, trace } from '@opentelemetry/api'
import type { Attributes } from '@opentelemetry/api'

/** Sentences, which may quote PostgreSQL, and lists of them stay in the log. */
const sentences: ReadonlySet<string> = new Set(['reason', 'differences'])

/** Fields of a log line: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/ */
export function spanFields(): Readonly<Record<string, string>> {
  const found = trace.getActiveSpan()?.spanContext()
  if (found === undefined || !isSpanContextValid(found)) return {}
  const { traceId: trace_id, spanId: span_id, traceFlags } = found
  return { trace_id, span_id, trace_flags: traceFlags.toString(16).padStart(2, '0') }
}

/** Tells an event in the span in which it is reported, if any. */
export function tellInSpan(name: string, details: Readonly<Record<string, unknown>>): void {
  const span = trace.getActiveSpan()
  if (span?.isRecording() !== true) return
  const attributes: Attributes = {}
  for (const [key, value] of Object.entries(details))
    if (!sentences.has(key) && ['string', 'number', 'boolean'].includes(typeof value))
      attributes[`citus.${key}`] = value as string | number | boolean
  span.addEvent(name, attributes)
}
