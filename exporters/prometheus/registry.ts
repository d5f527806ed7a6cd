// Snapshot -> the page that Prometheus scrapes; nothing is asked of anybody here.
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Durations, Snapshot } from '../exporter.ts'
import { familyText } from './exposition.ts'
import type { Format } from './exposition.ts'
import { metrics } from './metrics.ts'
import { ReadingTexts } from './reading-texts.ts'

/** How often the event loop's delay is sampled, milliseconds; the default of 10 takes half of what an idle sidecar uses. */
const eventLoopMonitoringPrecision = 50

/** What prom-client makes of no sample of the event loop's delay: a mean that is no number, a minimum of three centuries. */
const delays = /^nodejs_eventloop_lag_(?:min|max|mean|stddev|p50|p90|p99)_seconds .*\n/gm
const noDelay = /^nodejs_eventloop_lag_mean_seconds nan$/im

const ending = '# EOF\n'

/** Renders scrapes; one per process. */
export class PrometheusExporter implements Disposable {
  /** The process's own metrics, once for each format, for a registry knows only one. */
  readonly #own: Readonly<Record<Format, { metrics: () => Promise<string>; clear: () => void }>>
  readonly #durations: () => Durations | undefined
  readonly #readings = new ReadingTexts()
  readonly #rendering = new Map<Format, Promise<string>>()
  #scrapes: NonNullable<Snapshot['scrapes']> = { before: 0, lastSeconds: undefined }

  /** `durations`: asked once a scrape. */
  constructor(durations: () => Durations | undefined = () => undefined) {
    this.#durations = durations
    const text = new Registry()
    collectDefaultMetrics({ register: text, eventLoopMonitoringPrecision })
    const openmetrics = new Registry()
    openmetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    for (const metric of text.getMetricsAsArray()) openmetrics.registerMetric(metric as never)
    this.#own = { text, openmetrics }
  }

  /** The text of a scrape; scrapers that come at once share one. */
  async render(snapshot: () => Snapshot, format: Format): Promise<string> {
    const begun = this.#rendering.get(format)
    if (begun !== undefined) return await begun
    const rendering = this.#timed(snapshot(), format).finally(() => this.#rendering.delete(format))
    this.#rendering.set(format, rendering)
    return await rendering
  }

  async #timed(snapshot: Snapshot, format: Format): Promise<string> {
    const begun = performance.now()
    const text = await this.#render({ ...snapshot, scrapes: this.#scrapes, durations: this.#durations() }, format)
    this.#scrapes = { before: this.#scrapes.before + 1, lastSeconds: (performance.now() - begun) / 1_000 }
    return text
  }

  async #render(snapshot: Snapshot, format: Format): Promise<string> {
    const ours = metrics.map((spec) => familyText({ spec, samples: spec.samples(snapshot) }, format)).join('')
    const ofProcess = (await this.#own[format].metrics()).replace(ending, '').replace(/\n*$/, '\n')
    // Soon after the start, or after another scrape, there is none.
    const known = noDelay.test(ofProcess) ? ofProcess.replaceAll(delays, '') : ofProcess
    return known + ours + this.#readings.text(snapshot, format) + (format === 'openmetrics' ? ending : '')
  }

  [Symbol.dispose](): void {
    for (const registry of Object.values(this.#own)) registry.clear()
  }
}
