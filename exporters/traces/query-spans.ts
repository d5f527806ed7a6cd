// Spans of the sidecar's own queries, from instrumentation-pg: only inside a span of ours, named by what they do, without text,
// values and PostgreSQL's message, which may hold values.
import { SpanStatusCode } from '@opentelemetry/api'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import type { Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { querySummary } from './query-summary.ts'

const instrumentation = '@opentelemetry/instrumentation-pg'

/** Hooks pg, which must not be loaded yet: loaded before, it makes no spans and says nothing of it. */
export function hookPg(): PgInstrumentation {
  return new PgInstrumentation({
    requireParentSpan: true,
    ignoreConnectSpans: true,
    requestHook: (span, { query }) => {
      const summary = querySummary(query.text)
      span.updateName(summary)
      span.setAttributes({ 'db.query.summary': summary, 'db.operation.name': summary.split(' ')[0] ?? summary })
    },
  })
}

/** Takes from a query's span what it must not tell, and adds the SQLSTATE, which the instrumentation has in a sentence alone. */
export const discreetQueries: SpanProcessor = {
  onStart: () => undefined,
  onEnding: (span: Span) => {
    if (span.instrumentationScope.name !== instrumentation) return
    // Bootstrap sets a password verifier, PgBouncer's commands hold names of databases: no text of any is told.
    Reflect.deleteProperty(span.attributes, 'db.query.text')
    if (span.status.code !== SpanStatusCode.ERROR) return
    span.setStatus({ code: SpanStatusCode.ERROR })
    const said = span.events.map(({ attributes }) => attributes?.['exception.message'])
    const state = /\(code: ([0-9A-Z]{5})\)/.exec(said.join(' '))?.[1]
    span.setAttributes(
      state === undefined ? { 'error.type': '_OTHER' } : { 'error.type': state, 'db.response.status_code': state },
    )
  },
  onEnd: () => undefined,
  forceFlush: async () => await Promise.resolve(),
  shutdown: async () => await Promise.resolve(),
}
