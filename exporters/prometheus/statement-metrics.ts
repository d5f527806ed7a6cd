// The metrics of statements that the server's log tells of: not all statements, but those that it is set to log.
import { durationBounds } from '../statements/figures.ts'
import type { DurationFigures, ShapeFigures, ToldStatement } from '../statements/figures.ts'
import type { Snapshot } from '../exporter.ts'
import { histogramSamples } from './histogram.ts'
import type { Metric } from './metric.ts'
import type { Exemplar, Sample } from './sample.ts'

const labels = ['kind', 'shape', 'summary'] as const

function ofShapes({ statements }: Snapshot, value: (figures: ShapeFigures) => number | undefined): readonly Sample[] {
  return (statements?.shapes ?? []).flatMap((figures) => {
    const { kind, shape, summary } = figures
    const found = value(figures)
    return found === undefined ? [] : [{ labels: { kind, shape, summary }, value: found }]
  })
}

const bounds = [...durationBounds, Number.POSITIVE_INFINITY]

function histogram({ kind, counts, seconds, lastTold = [] }: DurationFigures): readonly Sample[] {
  // Of buckets in which none was told there is nothing, not even undefined.
  const exemplars = Array.from(lastTold, (told) => told && exemplarOf(told))
  return histogramSamples({ kind }, bounds, { counts, sum: seconds, exemplars })
}

function exemplarOf({ traceId, spanId, seconds, at }: ToldStatement): Exemplar {
  return { labels: { trace_id: traceId, span_id: spanId }, value: seconds, at }
}

export const statementMetrics: readonly Metric[] = [
  {
    name: 'citus_sidecar_logged_statements_total',
    help: 'Statements in the log that ended, well or not.',
    type: 'counter',
    labels,
    samples: (snapshot) => ofShapes(snapshot, ({ count }) => count),
  },
  {
    name: 'citus_sidecar_logged_statement_seconds_total',
    help: 'Time that they took, where the log tells it.',
    type: 'counter',
    labels,
    samples: (snapshot) => ofShapes(snapshot, ({ seconds }) => seconds),
  },
  {
    name: 'citus_sidecar_logged_statement_errors_total',
    help: 'Those that failed.',
    type: 'counter',
    labels,
    samples: (snapshot) => ofShapes(snapshot, ({ errors }) => errors),
  },
  {
    name: 'citus_sidecar_logged_statement_tasks_total',
    help: 'Commands that Citus sent or ran for them, where citus.log_remote_commands or citus.log_local_commands is on.',
    type: 'counter',
    labels,
    samples: (snapshot) => ofShapes(snapshot, ({ tasks }) => tasks),
  },
  {
    name: 'citus_sidecar_logged_statement_duration_seconds',
    help: 'Statements by how long they took, where the log tells it.',
    type: 'histogram',
    labels: ['kind'],
    samples: ({ statements }) => (statements?.durations ?? []).flatMap(histogram),
  },
]
