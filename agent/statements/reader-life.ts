// The thread that reads PostgreSQL's log, as the sidecar has it: started again when it dies, told what it has to know, asked what others ask.
import { join } from 'node:path'
import type { StatementFigures } from '../../exporters/statements/figures.ts'
import type { AskBatch, LinkAnswer } from '../../exporters/statements/link.ts'
import { logReaderModule } from '../../exporters/statements/log-reader-module.ts'
import type { LogReaderProtocol } from '../../exporters/statements/log-reader-thread.ts'
import type { LogReaderOptions, Whereabouts } from '../../exporters/statements/log-reader.ts'
import { ReaderThread } from '../../exporters/statements/reader-thread.ts'
import type { TopCounts, TopQuery } from '../../exporters/statements/top-report.ts'
import type { ServerSpan } from '../../exporters/statements/server-span.ts'
import type { Config } from '../config.ts'
import type { Report } from '../events.ts'
import { delayOf } from '../loop/backoff.ts'
import type { Clock } from '../loop/clock.ts'

/** Waits before a thread that died is started again, milliseconds. */
const backoff = { base: 1_000, cap: 60_000 }
/** From the thread to the queue of spans, and from that to its receiver, a span is on its way for so long, milliseconds. */
const untold = 1_000
/** Spans that are known to have been told: more than come of what a thread after another one reads again. */
const mostTold = 8_192
/** One that lived so long did not die of its start, milliseconds. */
const longLife = 300_000

export interface ReaderLifeOptions {
  readonly config: Config
  readonly folder: string
  readonly clock: Clock
  readonly random: () => number
  readonly report: Report
  /** Where spans go; undefined where traces are off. */
  readonly emit: ((span: ServerSpan) => void) | undefined
}

function readerOptions({ config, folder, emit }: ReaderLifeOptions): LogReaderOptions {
  const { spansPerMinute, ownSpansPerMinute, slowStatement, linkPatience } = config
  return {
    folder,
    record: join(config.runDir, 'log-positions.json'),
    parameter: config.traceParameter,
    spans: emit && {
      perMinute: spansPerMinute,
      ownPerMinute: ownSpansPerMinute,
      slowMs: slowStatement,
      patience: linkPatience,
      address: config.address,
      repeat: config.spanDelay + untold,
    },
  }
}

export class ReaderLife {
  readonly #options: ReaderLifeOptions
  #thread: ReaderThread<LogReaderProtocol> | undefined
  #figures: StatementFigures | undefined
  #whereabouts: Whereabouts = {}
  #troubles = ''
  #restarts = 0
  /** Ids of the spans that were told last, oldest first. */
  readonly #told = new Set<string>()
  /** Whether there is any jsonlog; undefined before anybody looked. */
  jsonlog: boolean | undefined

  constructor(options: ReaderLifeOptions) {
    this.#options = options
  }

  /** As of a second ago at most while the thread runs; undefined before it has said anything. */
  get figures(): StatementFigures | undefined {
    const found = this.#figures
    return found && { ...found, reader: { ...found.reader, restarts: this.#restarts } }
  }

  /** Tells the thread, and those after it, what they have to know. */
  know(whereabouts: Whereabouts): void {
    this.#whereabouts = { ...this.#whereabouts, ...whereabouts }
    this.#thread?.tell(whereabouts)
  }

  /** @throws where the thread does not run, or does not answer before the signal aborts. */
  async top(query: TopQuery, signal: AbortSignal): Promise<TopCounts> {
    return await this.#running().ask('top', query, signal)
  }

  /** The parents of another node's tasks. @throws as `top` does. */
  async links(batch: AskBatch, signal: AbortSignal): Promise<readonly LinkAnswer[]> {
    return await this.#running().ask('links', batch, signal)
  }

  #running(): ReaderThread<LogReaderProtocol> {
    if (this.#thread === undefined) throw new Error('the thread that reads the log is being started')
    return this.#thread
  }

  /** Reads until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, report } = this.#options
    for (let failures = 0; !signal.aborted;) {
      const startedAt = clock.now()
      const reason = await this.#live(signal)
      if (signal.aborted) return
      failures = clock.now() - startedAt > longLife ? 1 : failures + 1
      this.#restarts += 1
      report('statements.ended', { reason: reason ?? 'nobody asked it to end' })
      await clock.sleep(delayOf(failures, backoff, random), signal)
    }
  }

  /** The life of one thread, and what it died of. */
  async #live(signal: AbortSignal): Promise<string | undefined> {
    await using thread = new ReaderThread<LogReaderProtocol>({
      module: logReaderModule,
      data: readerOptions(this.#options),
      onPortion: (news) => this.#hear(news),
    })
    thread.tell(this.#whereabouts)
    this.#thread = thread
    const stopped = Promise.withResolvers<undefined>()
    const stop = (): void => stopped.resolve(undefined)
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await Promise.race([thread.ended, stopped.promise])
    } finally {
      signal.removeEventListener('abort', stop)
      this.#thread = undefined
    }
  }

  #hear(news: LogReaderProtocol['portion']): void {
    const { emit, report } = this.#options
    for (const span of news.spans) if (this.#isNew(span)) emit?.(span)
    if (!('figures' in news)) return
    const { figures, jsonlog, troubles } = news
    this.#figures = figures
    this.jsonlog = jsonlog
    const now = troubles.join('; ')
    if (now !== this.#troubles && now !== '') report('statements.trouble', { reason: now.slice(0, 500) })
    this.#troubles = now
  }

  /** A thread that died had told some of what the one after it reads again. */
  #isNew({ spanId }: ServerSpan): boolean {
    if (this.#told.has(spanId)) return false
    this.#told.add(spanId)
    if (this.#told.size > mostTold) for (const oldest of this.#told.keys().take(1)) this.#told.delete(oldest)
    return true
  }
}
