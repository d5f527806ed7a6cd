// The trace of one operation: a span for the whole, spans for its phases, events for what happened. Where traces are off all of it is
// the no-op of OpenTelemetry's API. No message of an error is told, because PostgreSQL's may hold values.
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api'
import { SidecarError, sqlstate } from '../errors.ts'
import { version } from '../version.ts'
import { contextOf, traceparentOf } from './traceparent.ts'

function tracer(): Tracer {
  return trace.getTracer('citus-sidecar', version)
}

/** Outcomes that are failures. */
const bad: ReadonlySet<string> = new Set(['failed', 'undone', 'expired'])

/** What a failure is, without what it says: SQLSTATE, our own code or the kind of error. */
function failureOf(error: unknown): Attributes {
  const state = sqlstate(error)
  const code = error instanceof SidecarError ? error.code : error instanceof Error ? error.name : '_OTHER'
  return state === undefined ? { 'error.type': code } : { 'error.type': state, 'db.response.status_code': state }
}

function markFailed(span: Span, error: unknown): void {
  span.setAttributes(failureOf(error)).setStatus({ code: SpanStatusCode.ERROR })
}

async function run<T>(span: Span, under: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(under, work)
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** Runs something in a span, under the one that is active; its queries have spans under that. */
export async function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  const span = tracer().startSpan(name, { attributes })
  return await run(span, trace.setSpan(context.active(), span), work)
}

/** Lives as long as the operation; what is not ended is not told. */
export class OperationTrace {
  readonly #name: string
  readonly #span: Span
  readonly #context: Context
  #phase: { readonly span: Span; readonly under: Context } | undefined

  /** `parent`: the trace it is part of, as the ledger or a file has it; a new one where there is none. */
  constructor(name: string, attributes: Attributes, parent?: string | null) {
    const above = contextOf(parent)
    this.#name = name
    this.#span = tracer().startSpan(name, { attributes }, above)
    this.#context = trace.setSpan(above, this.#span)
  }

  /** What others need to be part of this trace; undefined where traces are off. */
  get traceparent(): string | undefined {
    return traceparentOf(this.#span)
  }

  /** What is reported meanwhile is told as happened in this operation, and queries have spans. */
  within<T>(work: () => T): T {
    return context.with(this.#phase?.under ?? this.#context, work)
  }

  /** One part of it, from begin to end, with its queries. */
  async part<T>(name: string, work: () => Promise<T>): Promise<T> {
    const span = tracer().startSpan(`${this.#name} ${name}`, {}, this.#context)
    return await run(span, trace.setSpan(this.#context, span), work)
  }

  /** Enters a phase, which ends the one before. */
  enter(phase: string): void {
    this.#phase?.span.end()
    const span = tracer().startSpan(`${this.#name} ${phase}`, {}, this.#context)
    this.#phase = { span, under: trace.setSpan(this.#context, span) }
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes)
  }

  /** Something failed and is tried again. */
  trouble(error: unknown): void {
    const span = this.#phase?.span ?? this.#span
    span.addEvent('trouble', failureOf(error))
  }

  /** It failed, in the phase it is in. */
  failed(error: unknown): void {
    if (this.#phase !== undefined) markFailed(this.#phase.span, error)
    markFailed(this.#span, error)
  }

  /** How it came out, in a word of ours. */
  end(outcome: string): void {
    this.#phase?.span.end()
    this.#phase = undefined
    if (bad.has(outcome)) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.setAttribute('citus.operation.outcome', outcome)
    this.#span.end()
  }
}
