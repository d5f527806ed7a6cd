// Metrics of statements and of what reads them: from figures to text, in both formats.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Snapshot } from '../../../exporters/exporter.ts'
import { familyText } from '../../../exporters/prometheus/exposition.ts'
import { logReaderMetrics } from '../../../exporters/prometheus/log-reader-metrics.ts'
import { statementMetrics } from '../../../exporters/prometheus/statement-metrics.ts'
import type { StatementFigures } from '../../../exporters/statements/figures.ts'
import { ShapeStatistics } from '../../../exporters/statements/shape-statistics.ts'
import { commandTo, ended, shapeOf, statementOf } from '../../support/ended-statements.ts'
import { readMetrics } from '../../support/prometheus-text.ts'

const all = [...statementMetrics, ...logReaderMetrics]

const statistics = new ShapeStatistics(() => ended)
statistics.add(statementOf(20, { commands: [commandTo('w-0:5432')], text: "select 'secret'" }), shapeOf('orders'))
statistics.add(statementOf(20_000, { failed: '57014' }), shapeOf('orders'))
statistics.add(statementOf(3, { kind: 'task' }), shapeOf('items', ['102008']))
statistics.add(statementOf(3, { kind: 'internal' }), shapeOf('dump_local_wait_edges'))

const figures: StatementFigures = {
  ...statistics.figures(),
  reader: {
    lines: 9,
    malformed: { json: 1 },
    skippedBytes: 8,
    statements: { client: 2, task: 1, internal: 1 },
    restarts: 0,
  },
  spans: { made: 2, dropped: { rate: 4 } },
  links: { resolved: { gpid: 5 }, unresolved: { timeout: 6 }, clockOffsets: { 'w-0:5432': -0.002 } },
}

function textOf(statements: StatementFigures | undefined, format: 'text' | 'openmetrics'): string {
  const snapshot = { statements } as Snapshot
  return all.map((spec) => familyText({ spec, samples: spec.samples(snapshot) }, format)).join('')
}

/** Samples by series, those of the buckets of histograms apart. */
function samplesOf(statements: StatementFigures): Readonly<Record<string, number>> {
  const families = [...readMetrics(textOf(statements, 'text')).values()]
  const samples = families.flatMap((family) => [...family.samples])
  return Object.fromEntries(samples.filter(([series]) => !series.includes('_bucket')))
}

suite('metrics of statements', () => {
  test('are told by kind and shape, what is not told by itself as other', () => {
    const told = samplesOf(figures)
    const orders = 'kind="client",shape="orders",summary="SELECT orders"'
    const other = 'kind="internal",shape="other",summary="other"'
    assert.equal(told[`citus_sidecar_logged_statements_total{${orders}}`], 2)
    assert.equal(told[`citus_sidecar_logged_statement_seconds_total{${orders}}`], 20.02)
    assert.equal(told[`citus_sidecar_logged_statement_errors_total{${orders}}`], 1)
    assert.equal(told[`citus_sidecar_logged_statement_tasks_total{${orders}}`], 1)
    assert.equal(told[`citus_sidecar_logged_statements_total{${other}}`], 1)
    assert.equal(told[`citus_sidecar_logged_statement_tasks_total{${other}}`], undefined, 'no data is no sample')
  })

  test('name the last span of each bucket, in OpenMetrics alone', () => {
    const told = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), seconds: 0.02, at: 1_500 }
    const durations = figures.durations.map((one) => ({ ...one, lastTold: [undefined, undefined, undefined, told] }))
    const lines = textOf({ ...figures, durations }, 'openmetrics').split('\n')
    const exemplar = `# {trace_id="${told.traceId}",span_id="${told.spanId}"} 0.02 1.5`
    const named = lines.filter((line) => line.endsWith(exemplar)).map((line) => line.split(' ', 1)[0])
    assert.deepEqual(named, [
      'citus_sidecar_logged_statement_duration_seconds_bucket{kind="client",le="0.05"}',
      'citus_sidecar_logged_statement_duration_seconds_bucket{kind="task",le="0.05"}',
    ])
    assert.doesNotMatch(textOf({ ...figures, durations }, 'text'), /trace_id/)
  })

  test('have histograms whose buckets add up', () => {
    const { samples = new Map<string, number>() } =
      readMetrics(textOf(figures, 'text')).get('citus_sidecar_logged_statement_duration_seconds') ?? {}
    const client = [...samples].filter(([series]) => series.includes('kind="client"'))
    assert.deepEqual(
      client.map(([series, value]) => [
        /le="(.*)"/.exec(series)?.[1] ?? series.replace(/.*_(sum|count).*/, '$1'),
        value,
      ]),
      [
        ...['0.001', '0.005', '0.01'].map((le) => [le, 0]),
        ...['0.05', '0.1', '0.5', '1', '5', '10'].map((le) => [le, 1]),
        ['+Inf', 2],
        ['sum', 20.02],
        ['count', 2],
      ],
    )
  })

  test('have what the reader read and lost, its spans and its links', () => {
    const told = samplesOf(figures)
    const rest = Object.entries(told).filter(([series]) => !series.includes('logged_statement'))
    assert.deepEqual(Object.fromEntries(rest), {
      citus_sidecar_log_reader_lines_total: 9,
      'citus_sidecar_log_reader_malformed_lines_total{reason="json"}': 1,
      citus_sidecar_log_reader_skipped_bytes_total: 8,
      'citus_sidecar_log_reader_statements_total{kind="client"}': 2,
      'citus_sidecar_log_reader_statements_total{kind="task"}': 1,
      'citus_sidecar_log_reader_statements_total{kind="internal"}': 1,
      citus_sidecar_log_reader_restarts_total: 0,
      citus_sidecar_statement_spans_total: 2,
      'citus_sidecar_statement_spans_dropped_total{reason="rate"}': 4,
      'citus_sidecar_statement_links_total{method="gpid"}': 5,
      'citus_sidecar_statement_links_unresolved_total{reason="timeout"}': 6,
      'citus_peer_clock_offset_seconds{peer="w-0:5432"}': -0.002,
    })
  })

  test('are none where no log is read, and none of spans where traces are off', () => {
    assert.equal(textOf(undefined, 'text'), '')
    const { shapes, durations, reader } = figures
    assert.doesNotMatch(textOf({ shapes, durations, reader }, 'text'), /spans|links|clock/)
  })

  test('have no text of a statement, and counters by their families in OpenMetrics', () => {
    for (const format of ['text', 'openmetrics'] as const) {
      const text = textOf(figures, format)
      assert.doesNotMatch(text, /secret|where a/)
      assert.match(
        text,
        format === 'text' ? /^# TYPE \S+_statements_total counter$/m : /^# TYPE \S+_statements counter$/m,
      )
      assert.match(text, /^# TYPE citus_sidecar_logged_statement_duration_seconds histogram$/m)
    }
  })

  test('have just the labels that they name, and the buckets of a histogram their bounds', () => {
    for (const metric of all)
      for (const { labels = {}, suffix } of metric.samples({ statements: figures } as Snapshot))
        assert.deepEqual(
          Object.keys(labels),
          suffix === '_bucket' ? [...metric.labels, 'le'] : metric.labels,
          metric.name,
        )
  })
})
