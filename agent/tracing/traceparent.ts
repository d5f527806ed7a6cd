// A trace context as text, as it travels in the ledger: https://www.w3.org/TR/trace-context/#traceparent-header
import { isSpanContextValid, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { Context, Span } from '@opentelemetry/api'

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

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
  const [, traceId = '', spanId = '', flags = ''] = form.exec(traceparent ?? '') ?? []
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT
}
