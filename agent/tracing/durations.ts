// How long operations took, counted whether traces are on or not; of those that are told as spans one is named in each bucket.
// There is one of these in a process, as there is one provider of traces.
import { isSpanContextValid, trace, TraceFlags } from '@opentelemetry/api'
import type { Span } from '@opentelemetry/api'
import { Histogram, operationBounds } from '../../exporters/prometheus/histogram.ts'
import type { Durations } from '../../exporters/exporter.ts'

const operations = new Histogram(operationBounds)
const phases = new Histogram(operationBounds)
const clientWaits = new Histogram(operationBounds)

/** All that this process has counted. */
export function durationFigures(): Durations {
  return { operations: operations.samples(), phases: phases.samples(), clientWaits: clientWaits.samples() }
}

function exemplarOf(span: Span | undefined): Parameters<Histogram['observe']>[2] {
  const found = span?.spanContext()
  // A span that is not sampled is nowhere to be found.
  if (found === undefined || !isSpanContextValid(found) || (found.traceFlags & TraceFlags.SAMPLED) === 0)
    return undefined
  return { labels: { trace_id: found.traceId, span_id: found.spanId }, at: Date.now() }
}

/** An operation ended; milliseconds. */
export function operationTook(operation: string, outcome: string, ms: number, span: Span): void {
  operations.observe({ operation, outcome }, ms / 1_000, exemplarOf(span))
}

/** A phase of one did. */
export function phaseTook(operation: string, phase: string, outcome: string, ms: number, span: Span): void {
  phases.observe({ operation, phase, outcome }, ms / 1_000, exemplarOf(span))
}

/** Clients were held for a restart that is over; told with the span in which this is called. */
export function clientsWaited(ms: number): void {
  clientWaits.observe({}, ms / 1_000, exemplarOf(trace.getActiveSpan()))
}
