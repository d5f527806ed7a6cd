// A histogram and its text in both formats: cumulative, and with spans in OpenMetrics alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { familyText } from '../../../exporters/prometheus/exposition.ts'
import { Histogram } from '../../../exporters/prometheus/histogram.ts'

const spec = { name: 'a_seconds', help: 'A.', type: 'histogram' } as const
const span = (id: string): { labels: Record<string, string>; at: number } => ({
  labels: { trace_id: id.repeat(32), span_id: id.repeat(16) },
  at: 1_500,
})

test('a histogram counts in cumulative buckets, by labels, with the last span of each bucket in OpenMetrics alone', () => {
  const histogram = new Histogram([0.5, 1])
  histogram.observe({ kind: 'x' }, 0.25, span('a'))
  histogram.observe({ kind: 'x' }, 0.5, span('b'))
  // One that is not sampled does not take the place of one that is.
  histogram.observe({ kind: 'x' }, 0.125)
  histogram.observe({ kind: 'x' }, 8)
  histogram.observe({ kind: 'y' }, 1)
  const samples = histogram.samples()
  assert.equal(
    familyText({ spec, samples }, 'text'),
    `# HELP a_seconds A.
# TYPE a_seconds histogram
a_seconds_bucket{kind="x",le="0.5"} 3
a_seconds_bucket{kind="x",le="1"} 3
a_seconds_bucket{kind="x",le="+Inf"} 4
a_seconds_sum{kind="x"} 8.875
a_seconds_count{kind="x"} 4
a_seconds_bucket{kind="y",le="0.5"} 0
a_seconds_bucket{kind="y",le="1"} 1
a_seconds_bucket{kind="y",le="+Inf"} 1
a_seconds_sum{kind="y"} 1
a_seconds_count{kind="y"} 1
`,
  )
  assert.deepEqual(familyText({ spec, samples }, 'openmetrics').split('\n').slice(2, 5), [
    `a_seconds_bucket{kind="x",le="0.5"} 3 # {trace_id="${'b'.repeat(32)}",span_id="${'b'.repeat(16)}"} 0.5 1.5`,
    'a_seconds_bucket{kind="x",le="1.0"} 3',
    'a_seconds_bucket{kind="x",le="+Inf"} 4',
  ])
})

test('a histogram of nothing has no sample', () => {
  assert.deepEqual(new Histogram([1]).samples(), [])
})
