// The records of the lines that were followed, and what could not be understood of them.
import type { Batch } from './follow.ts'
import { readRecord } from './log-record.ts'
import type { Refusal } from './log-record.ts'
import type { LogRecord } from './statement.ts'

/** Reads batch after batch. */
export class LogRecords {
  readonly #refused = new Map<Refusal, number>()

  /** Lines that were not understood, by reason. */
  get refused(): ReadonlyMap<Refusal, number> {
    return this.#refused
  }

  /** What a batch says, line by line. */
  read({ lines }: Pick<Batch, 'lines'>): readonly LogRecord[] {
    const records: LogRecord[] = []
    for (const line of lines) {
      const record = readRecord(line)
      if (typeof record === 'string') this.#refused.set(record, (this.#refused.get(record) ?? 0) + 1)
      else records.push(record)
    }
    return records
  }
}
