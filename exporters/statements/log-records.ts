// The records of the lines that were followed, what could not be understood of them, and since when none is missing.
import type { Batch } from './follow.ts'
import { readRecord } from './log-record.ts'
import type { Refusal } from './log-record.ts'
import type { LogRecord } from './statement.ts'

/** Reads batch after batch. */
export class LogRecords {
  readonly #refused = new Map<Refusal, number>()
  #completeSince: number | undefined

  /** Lines that were not understood, by reason. */
  get refused(): ReadonlyMap<Refusal, number> {
    return this.#refused
  }

  /** The time of the first line since which none was passed over, milliseconds since 1970; undefined before the first line. */
  get completeSince(): number | undefined {
    return this.#completeSince
  }

  /** What a batch says, line by line. */
  read({ lines, gap }: Batch): readonly LogRecord[] {
    if (gap) this.#completeSince = undefined
    const records: LogRecord[] = []
    for (const line of lines) {
      const record = readRecord(line)
      if (typeof record === 'string') this.#refused.set(record, (this.#refused.get(record) ?? 0) + 1)
      else records.push(record)
    }
    this.#completeSince ??= records[0]?.at
    return records
  }
}
