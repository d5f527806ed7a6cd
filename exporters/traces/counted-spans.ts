// Spans on their way out, counted: what was received, and what was lost because the queue was full or nobody took it.
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace'
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'

/** Since this sidecar started. */
export interface TraceFigures {
  readonly exported: number
  readonly dropped: number
}

export interface SpanQueue {
  /** Spans that wait, and spans sent at once, at most. */
  readonly most: number
  readonly batch: number
  /** Milliseconds. */
  readonly delay: number
  readonly timeout: number
}

export interface CountedSpansOptions {
  readonly exporter: SpanExporter
  readonly queue: SpanQueue
  /** Hears how a sending ended: undefined when it was received, else why not. */
  readonly onSent: (trouble: string | undefined) => void
}

/** ExportResultCode.SUCCESS of OpenTelemetry's core, which would be one more dependency for a number. */
const received = 0

/** Batches spans and counts them; the bound of the queue is kept here, because the processor under it keeps its losses to itself. */
export class CountedSpans implements SpanProcessor {
  readonly #batches: BatchSpanProcessor
  readonly #most: number
  #waiting = 0
  #exported = 0
  #dropped = 0

  constructor({ exporter, queue, onSent }: CountedSpansOptions) {
    this.#most = queue.most
    const counting: SpanExporter = {
      export: (spans, done) => {
        this.#waiting -= spans.length
        exporter.export(spans, (result) => {
          const good = result.code === received
          if (good) this.#exported += spans.length
          else this.#dropped += spans.length
          onSent(good ? undefined : (result.error?.message ?? 'no reason was given'))
          done(result)
        })
      },
      shutdown: async () => await exporter.shutdown(),
    }
    this.#batches = new BatchSpanProcessor({
      exporter: counting,
      maxQueueSize: queue.most,
      maxExportBatchSize: Math.min(queue.batch, queue.most),
      scheduledDelayMillis: queue.delay,
      exportTimeoutMillis: queue.timeout,
    })
  }

  get figures(): TraceFigures {
    return { exported: this.#exported, dropped: this.#dropped }
  }

  onStart(): void {
    // Only what has ended is told.
  }

  onEnd(span: ReadableSpan): void {
    // The lowest bit is the W3C's flag "sampled".
    if ((span.spanContext().traceFlags & 1) === 0) return
    if (this.#waiting >= this.#most) {
      this.#dropped += 1
      return
    }
    this.#waiting += 1
    this.#batches.onEnd(span)
  }

  async forceFlush(): Promise<void> {
    await this.#batches.forceFlush()
  }

  async shutdown(): Promise<void> {
    await this.#batches.shutdown()
  }
}
