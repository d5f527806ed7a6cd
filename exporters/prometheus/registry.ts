// Snapshot -> Prometheus text, through prom-client's own registry; nothing is asked of anybody here.
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Snapshot } from '../exporter.ts'
import { FamilyTexts } from './family-text.ts'
import { metrics } from './metrics.ts'

/** How often the event loop's delay is sampled, milliseconds; the default of 10 takes half of what an idle sidecar uses. */
const eventLoopMonitoringPrecision = 50

/** What prom-client makes of no sample of the event loop's delay: a mean that is no number, a minimum of three centuries. */
const delays = /^nodejs_eventloop_lag_(?:min|max|mean|stddev|p50|p90|p99)_seconds .*\n/gm
const noDelay = /^nodejs_eventloop_lag_mean_seconds nan$/im

/** Renders scrapes; one per process. */
export class PrometheusExporter implements Disposable {
  readonly #registry = new Registry()
  readonly #families = new FamilyTexts()
  readonly #collectors = metrics.map((metric) => {
    const options = {
      name: metric.name,
      help: metric.help,
      labelNames: [...metric.labels],
      registers: [this.#registry],
    }
    return { metric, collector: metric.type === 'counter' ? new Counter(options) : new Gauge(options) }
  })

  constructor() {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text of one scrape. */
  async render(snapshot: Snapshot): Promise<string> {
    for (const { metric, collector } of this.#collectors) {
      // Without a reset the series of a label that is gone would stay for ever; what is counted is counted elsewhere.
      collector.reset()
      if (metric.labels.length === 0) collector.remove()
      for (const sample of metric.samples(snapshot)) collector.inc(sample.labels ?? {}, sample.value)
    }
    const text = (await this.#registry.metrics()) + this.#families.text(snapshot)
    // Soon after the start, or after another scrape, there is none.
    return noDelay.test(text) ? text.replaceAll(delays, '') : text
  }

  [Symbol.dispose](): void {
    this.#registry.clear()
  }
}
