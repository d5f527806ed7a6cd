// A trace context as text, as it travels in the ledger: https://www.w3.org/TR/trace-context/#traceparent-header
import { isSpanContextValid, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { Context, Span } from '@opentelemetry/api'
import { parseTraceparent } from '../../exporters/statements/traceparent.ts'

/** The context of a span; undefined where traces are off. */
export function traceparentOf(span: Span | undefined): string | undefined {
  const found = span?.spanContext()
  if (found === undefined || !isSpanContextValid(found)) return undefined
  return `00-${found.traceId}-${found.spanId}-${found.traceFlags.toString(16).padStart(2, '0')}`
}

/** That of the span in which this is called. */
export function currentTraceparent(): string | undefined {
  return traceparentOf(trace.getActiveSpan())
}

/** The context that a text names; a new trace's where it is none or names nothing valid. */
export function contextOf(traceparent: string | null | undefined): Context {
  const found = parseTraceparent(traceparent)
  if (found === undefined) return ROOT_CONTEXT
  const { traceId, spanId, sampled } = found
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true })
}
