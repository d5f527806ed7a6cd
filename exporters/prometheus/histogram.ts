// Durations as Prometheus counts them: cumulative buckets, and in each the last span that fell into it
// (https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars).
import type { Exemplar, Sample } from './sample.ts'

interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly counts: number[]
  readonly exemplars: (Exemplar | undefined)[]
  sum: number
}

/** Of what takes from milliseconds to an hour, seconds. */
export const operationBounds: readonly number[] = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 3_600]

/** The samples of one series: `counts` are of values up to each bound, in the order of the bounds, and none counts in two. */
export function histogramSamples(
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[],
  { counts, sum, exemplars = [] }: { counts: readonly number[]; sum: number; exemplars?: Series['exemplars'] },
): readonly Sample[] {
  let count = 0
  const buckets = bounds.map((bound, at) => {
    count += counts[at] ?? 0
    return { suffix: '_bucket', labels: { ...labels, le: bound }, value: count, exemplar: exemplars[at] }
  })
  return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }]
}

/** A histogram; as many series as there are values of its labels, which are of closed sets. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  constructor(bounds: readonly number[]) {
    this.#bounds = [...bounds, Number.POSITIVE_INFINITY]
  }

  /** Counts a value, in the unit of the bounds. */
  observe(labels: Readonly<Record<string, string>>, value: number, exemplar?: Omit<Exemplar, 'value'>): void {
    const key = Object.values(labels).join('\0')
    const counts = this.#bounds.map(() => 0)
    const series = this.#series.get(key) ?? { labels, counts, exemplars: [], sum: 0 }
    this.#series.set(key, series)
    const at = this.#bounds.findIndex((bound) => value <= bound)
    series.counts[at] = (series.counts[at] ?? 0) + 1
    series.sum += value
    if (exemplar !== undefined) series.exemplars[at] = { ...exemplar, value }
  }

  samples(): readonly Sample[] {
    return [...this.#series.values()].flatMap((series) => histogramSamples(series.labels, this.#bounds, series))
  }
}
