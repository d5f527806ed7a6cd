// The trace of one operation: a span for the whole, spans for its phases, events for what happened. Where traces are off all of it is
// the no-op of OpenTelemetry's API. No message of an error is told, because PostgreSQL's may hold values.
import { context, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api'
import { withIds } from '../../exporters/traces/chosen-ids.ts'
import { SidecarError, sqlstate } from '../errors.ts'
import { version } from '../version.ts'
import { operationTook, phaseTook } from './durations.ts'
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

/** One part of an operation that is entered and left, not run. */
interface Phase {
  readonly name: string
  readonly span: Span
  readonly under: Context
  readonly begun: number
  outcome: 'succeeded' | 'failed'
}

/** Runs something in a span, under the one that is active; its queries have spans under that. */
export async function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  const span = tracer().startSpan(name, { attributes })
  return await run(span, trace.setSpan(context.active(), span), work)
}

/** What is kept of an operation's span by who may be killed before it ends: its own context, and when it began, milliseconds since 1970. */
export interface BegunSpan {
  readonly traceparent?: string | null | undefined
  readonly startedAt: number
}

/** The span of an operation; that of an earlier process is taken up as if it had been open all the while, for it was never told. */
function startOperation(name: string, attributes: Attributes, above: Context, begun: BegunSpan | undefined): Span {
  if (begun === undefined) return tracer().startSpan(name, { attributes }, above)
  const startTime = new Date(begun.startedAt)
  const own = trace.getSpanContext(contextOf(begun.traceparent))
  if (own === undefined) return tracer().startSpan(name, { attributes, startTime }, above)
  // Whether it is told was decided when it began.
  if ((own.traceFlags & TraceFlags.SAMPLED) === 0) return trace.wrapSpanContext(own)
  const told = { ...attributes, 'citus.resumed': true }
  return withIds(own, () => tracer().startSpan(name, { attributes: told, startTime }, above))
}

/** Lives as long as the operation; what is not ended is not told. */
export class OperationTrace {
  readonly #name: string
  readonly #span: Span
  readonly #context: Context
  readonly #begun: number
  #phase: Phase | undefined

  /** `parent`: the trace it is part of, as the ledger or a file has it, a new one where there is none; `begun`: what was kept of it. */
  constructor(name: string, attributes: Attributes, parent?: string | null, begun?: BegunSpan) {
    const above = contextOf(parent)
    this.#name = name
    this.#begun = performance.now() - (begun === undefined ? 0 : Math.max(Date.now() - begun.startedAt, 0))
    this.#span = startOperation(name, attributes, above, begun)
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
    const begun = performance.now()
    let outcome = 'failed'
    try {
      const done = await run(span, trace.setSpan(this.#context, span), work)
      outcome = 'succeeded'
      return done
    } finally {
      phaseTook(this.#name, name, outcome, performance.now() - begun, span)
    }
  }

  /** Enters a phase, which ends the one before. */
  enter(name: string): void {
    this.#leave()
    const span = tracer().startSpan(`${this.#name} ${name}`, {}, this.#context)
    const under = trace.setSpan(this.#context, span)
    this.#phase = { name, span, under, begun: performance.now(), outcome: 'succeeded' }
  }

  #leave(): void {
    if (this.#phase === undefined) return
    const { name, span, begun, outcome } = this.#phase
    span.end()
    phaseTook(this.#name, name, outcome, performance.now() - begun, span)
    this.#phase = undefined
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
    if (this.#phase !== undefined) {
      markFailed(this.#phase.span, error)
      this.#phase.outcome = 'failed'
    }
    markFailed(this.#span, error)
  }

  /** How it came out, in a word of ours. */
  end(outcome: string): void {
    this.#leave()
    if (bad.has(outcome)) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.setAttribute('citus.operation.outcome', outcome)
    this.#span.end()
    operationTook(this.#name, outcome, performance.now() - this.#begun, this.#span)
  }
}
