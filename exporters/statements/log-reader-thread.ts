// What runs in the thread that reads PostgreSQL's log: the reader, and its words with the thread that started it.
import { workerData } from 'node:worker_threads'
import type { AskBatch, LinkAnswer } from './link.ts'
import { linkRequest } from './link-request.ts'
import { LogReader } from './log-reader.ts'
import type { LogReaderOptions, ReaderNews, Whereabouts } from './log-reader.ts'
import { sleep } from '../../probes/sleep.ts'
import { ThreadPort } from './thread-port.ts'
import type { TopCounts, TopQuery } from './top-report.ts'
import { wallClock } from './wall-clock.ts'

export interface LogReaderProtocol {
  readonly told: Whereabouts
  readonly calls: {
    readonly top: { readonly question: TopQuery; readonly answer: TopCounts }
    readonly links: { readonly question: AskBatch; readonly answer: readonly LinkAnswer[] }
  }
  /** Spans at once, and with all else as often as that is told. */
  readonly portion: ReaderNews | Pick<ReaderNews, 'spans'>
}

/** Told at once where there are spans, else so often, milliseconds. */
const every = 1_000
/** Spans that are told at one time; the process has other things to do between. */
const mostSpans = 128

const now = wallClock(Date.now, () => performance.now())
const reader = new LogReader(workerData as LogReaderOptions, {
  clock: { now, sleep },
  random: Math.random,
  request: linkRequest(now),
  elapsed: () => performance.now(),
})
let toldAt = -Infinity
const port = new ThreadPort<LogReaderProtocol>({
  onTold: (whereabouts) => reader.know(whereabouts),
  answers: { top: (query) => reader.top(query), links: (batch) => reader.links(batch) },
  portion: () => {
    if (performance.now() - toldAt < every) return reader.hasSpans ? { spans: reader.take(mostSpans) } : undefined
    toldAt = performance.now()
    return reader.news(mostSpans)
  },
})

const timer = setInterval(() => port.offer(), every / 4)
await reader.run(() => port.offer(), port.signal)
clearInterval(timer)
port.close()
