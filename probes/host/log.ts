// What PostgreSQL writes into its log, counted: lines by severity, errors by class, deadlocks that Citus resolved.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { counter } from '../collection.ts'
import type { HostCollection, Row } from '../collection.ts'
import type { ProbePaths } from '../probe.ts'
import { inodeOf, logFiles } from './log-folder.ts'
import type { LogFile } from './log-folder.ts'
import { readLine } from './log-lines.ts'
import type { LogLine } from './log-lines.ts'
import { LogTail } from './log-tail.ts'

/** Files that are read at one time, the last ones written to; a server writes into one for each format. */
const mostFiles = 8
const failures = ['ERROR', 'FATAL', 'PANIC']
/** What is counted of a line stands at its beginning; of the rest, a statement mostly, nobody wants to hear, characters. */
const beginning = 65_536
/** A server may write these; that it wrote none so far is known. */
const expected = ['LOG', 'WARNING', ...failures]
/** What Citus makes of the message of the session it cancels (https://docs.citusdata.com/en/stable/reference/common_errors.html). */
const deadlock = 'canceling the transaction since it was involved in a distributed deadlock'

/** Follows the log of one server; what was written before it began is not counted. */
export class LogCounter {
  readonly #folder: string
  #tails: ReadonlyMap<string, LogTail> | undefined
  readonly #lines = new Map<string, number>(expected.map((severity) => [severity, 0]))
  readonly #errors = new Map<string, number>()
  #skipped = 0
  #deadlocks = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What was counted so far; empty while the folder cannot be read. @throws where a file in it cannot be. */
  async rows(signal: AbortSignal): Promise<readonly Row[]> {
    const files = await logFiles(this.#folder)
    if (files === undefined) return []
    const { tails, written } = this.#look(files)
    this.#tails = tails
    for (const [file, tail] of written) {
      signal.throwIfAborted()
      await this.#read(file, tail)
    }
    const counted = (counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] =>
      [...counts].toSorted(([, a], [, b]) => b - a)
    return [
      { skipped: this.#skipped, deadlocks: this.#deadlocks },
      ...counted(this.#lines).map(([severity, lines]) => ({ severity, lines })),
      ...counted(this.#errors).map(([code, errors]) => ({ class: code, errors })),
    ]
  }

  /** The readers of all files, those of which are kept that there are, and which of them have something to read. */
  #look(files: readonly LogFile[]): {
    readonly tails: ReadonlyMap<string, LogTail>
    readonly written: readonly (readonly [LogFile, LogTail])[]
  } {
    const known = this.#tails
    const pairs = files.map(
      (file) => [file, known?.get(file.inode) ?? new LogTail(known === undefined ? file.size : 0)] as const,
    )
    return {
      tails: new Map(pairs.map(([{ inode }, tail]) => [inode, tail])),
      written: pairs
        .filter(([{ size }, tail]) => tail.behind(size) !== 0)
        .toSorted(([a], [b]) => b.modifiedAt - a.modifiedAt)
        .slice(0, mostFiles),
    }
  }

  async #read({ path, format, inode }: LogFile, tail: LogTail): Promise<void> {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (file === undefined) return
    await using opened = file
    const { dev, ino, size } = await opened.stat({ bigint: true })
    // Renamed just now, and another one has its name: either is read the next time.
    if (inodeOf({ dev, ino }) !== inode) return
    this.#skipped += tail.passOver(Number(size))
    for (const written of await tail.read(opened, Number(size))) {
      const line = readLine[format](typeof written === 'string' ? written.slice(0, beginning) : written.head)
      if (line !== undefined) this.#count(line)
    }
  }

  #count({ severity, code, message }: LogLine): void {
    this.#lines.set(severity, (this.#lines.get(severity) ?? 0) + 1)
    if (message.startsWith(deadlock)) this.#deadlocks += 1
    if (code === undefined || !failures.includes(severity)) return
    const ofCode = code.slice(0, 2)
    this.#errors.set(ofCode, (this.#errors.get(ofCode) ?? 0) + 1)
  }
}

/** Counters of the server's log. */
export function log({ log: folder }: ProbePaths): HostCollection<'host.log'> {
  const lines = folder === undefined ? undefined : new LogCounter(folder)
  return {
    name: 'host.log',
    help: "Lines and errors in PostgreSQL's log since the sidecar started, from the files in which it tells most: jsonlog, csvlog, stderr.",
    where: { needs: { what: 'CITUS_SIDECAR_LOG_DIR', there: folder !== undefined } },
    onVolume: true,
    interval: 5_000,
    rows: async (_context, signal) => (await lines?.rows(signal)) ?? [],
    families: [
      counter('citus_sidecar_log_lines_total', 'Messages in the log by severity.', 'lines', ['severity']),
      counter(
        'citus_sidecar_log_errors_total',
        'Messages of severity ERROR and above by class of their SQLSTATE; only of jsonlog and csvlog.',
        'errors',
        ['class'],
      ),
      counter(
        'citus_sidecar_log_skipped_bytes_total',
        'Bytes of the log that were not read, being too much.',
        'skipped',
      ),
      counter(
        'citus_sidecar_distributed_deadlocks_total',
        'Transactions that Citus canceled on this node because of a deadlock across nodes, as the log has it.',
        'deadlocks',
      ),
    ],
  }
}
