// Spans of the sidecar's own queries, from instrumentation-pg: only inside a span of ours, named by what they do, without text,
// values and PostgreSQL's message, which may hold values; and of what is asked again and again only the first ones.
import { SpanStatusCode } from '@opentelemetry/api'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { querySummary } from '../statements/summary.ts'

const instrumentation = '@opentelemetry/instrumentation-pg'
/** Of queries with one name under one span so many are told. */
const mostAlike = 20
/** Spans whose queries are counted at a time; those that never end are forgotten, the oldest first. */
const mostParents = 256

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

/** In front of the processor that exports. */
export class DiscreetQueries implements SpanProcessor {
  readonly #next: SpanProcessor
  /** Queries by name under a span that has not ended. */
  readonly #asked = new Map<string, Map<string, number>>()

  constructor(next: SpanProcessor) {
    this.#next = next
  }

  onStart(...started: Parameters<SpanProcessor['onStart']>): void {
    this.#next.onStart(...started)
  }

  onEnding(span: Span): void {
    if (span.instrumentationScope.name === instrumentation) return hush(span)
    const counts = this.#asked.get(span.spanContext().spanId)?.values() ?? []
    const untold = [...counts].reduce((sum, count) => sum + Math.max(count - mostAlike, 0), 0)
    if (untold > 0) span.setAttribute('citus.queries.untold', untold)
  }

  onEnd(span: ReadableSpan): void {
    if (span.instrumentationScope.name !== instrumentation) this.#asked.delete(span.spanContext().spanId)
    else if (this.#count(span) > mostAlike) return
    this.#next.onEnd(span)
  }

  #count({ parentSpanContext, name }: ReadableSpan): number {
    const parent = parentSpanContext?.spanId ?? ''
    const counts = this.#asked.get(parent) ?? new Map<string, number>()
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    this.#asked.set(parent, counts)
    if (this.#asked.size > mostParents) for (const [oldest] of this.#asked.entries().take(1)) this.#asked.delete(oldest)
    return count
  }

  async forceFlush(): Promise<void> {
    await this.#next.forceFlush()
  }

  async shutdown(): Promise<void> {
    await this.#next.shutdown()
  }
}

/** Takes from a query's span what it must not tell, and adds the SQLSTATE, which the instrumentation has in a sentence alone. */
function hush(span: Span): void {
  // Bootstrap sets a password verifier, PgBouncer's commands hold names of databases: no text of any is told.
  Reflect.deleteProperty(span.attributes, 'db.query.text')
  if (span.status.code !== SpanStatusCode.ERROR) return
  span.setStatus({ code: SpanStatusCode.ERROR })
  const said = span.events.map(({ attributes }) => attributes?.['exception.message'])
  const state = /\(code: ([0-9A-Z]{5})\)/.exec(said.join(' '))?.[1]
  span.setAttributes(
    state === undefined ? { 'error.type': '_OTHER' } : { 'error.type': state, 'db.response.status_code': state },
  )
}
