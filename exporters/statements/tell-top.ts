// What was counted, with what one must know to believe it: whose it is, how much of the log was read, and why statements are missing.
import type { ReaderFigures } from './figures.ts'
import type { TopCounts, TopReport } from './top-report.ts'
import { whyUnread } from './why-unread.ts'
import type { LoggingFacts } from './why-unread.ts'

export interface TopSources {
  readonly node: string
  /** undefined where no log is read. */
  readonly reader: ReaderFigures | undefined
  readonly logging: LoggingFacts
}

/** The report; where durations were read, whatever the settings say, nothing is missing. */
export function tellTop(counts: TopCounts, { node, reader, logging }: TopSources): TopReport {
  const malformed = Object.values(reader?.malformed ?? {}).reduce((sum, times) => sum + times, 0)
  return {
    node,
    ...counts,
    log: { lines: reader?.lines ?? 0, malformed, skippedBytes: reader?.skippedBytes ?? 0 },
    unread: counts.all.meanMs === null ? (whyUnread(logging) ?? null) : null,
  }
}
