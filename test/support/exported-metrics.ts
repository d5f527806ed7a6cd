// What a sidecar exports, as rules may ask for it: every metric with its labels.
import assert from 'node:assert/strict'
import { metrics } from '../../exporters/prometheus/metrics.ts'
import { everyFamily } from '../../probes/collections.ts'

/** The names that a scrape has for a metric, each with its labels. */
function seriesOf({
  name,
  type,
  labels,
}: {
  readonly name: string
  readonly type?: string | undefined
  readonly labels: readonly string[]
}): readonly (readonly [string, readonly string[]])[] {
  if (type !== 'histogram') return [[name, labels]]
  return [
    [`${name}_bucket`, [...labels, 'le']],
    [`${name}_sum`, labels],
    [`${name}_count`, labels],
  ]
}

const labelsByName = new Map([['up', [] as readonly string[]], ...[...metrics, ...everyFamily()].flatMap(seriesOf)])
/** Labels that a scrape adds. */
const ofTheScrape = ['job', 'instance', 'namespace']

/** Its labels; undefined where nobody exports it. */
export function labelsOf(metric: string): readonly string[] | undefined {
  return labelsByName.get(metric.replace(/^pg_settings_.+/, 'pg_settings_*'))
}

/** @throws AssertionError for a metric that nobody exports, or a label that it has not. */
export function assertExported(metric: string, labels: readonly string[], where: string): void {
  const own = labelsOf(metric)
  assert.ok(own !== undefined, `${where} asks for ${metric}, which nobody exports`)
  for (const label of labels)
    assert.ok([...own, ...ofTheScrape].includes(label), `${where}: ${metric} has no label ${label}`)
}
