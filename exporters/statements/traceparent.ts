// A caller's trace context as text: https://www.w3.org/TR/trace-context/#traceparent-header
import { copied } from './copied.ts'
import type { TraceContext } from './statement.ts'

const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** The context that a text names; undefined where it is malformed. Of later versions what version 00 knows is read, as the rule says. */
export function parseTraceparent(text: string | null | undefined): TraceContext | undefined {
  const [, version, traceId, spanId, flags, more] = form.exec(text ?? '') ?? []
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId: copied(traceId), spanId: copied(spanId), sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
