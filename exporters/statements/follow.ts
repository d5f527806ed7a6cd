// Follows the server's jsonlog: hands out what is written, line by line and once, and rather leaves out than stays behind.
import type { WrittenLine } from '../../probes/host/log-tail.ts'
import type { FollowedFile } from './followed-file.ts'
import { FollowedFiles } from './followed-files.ts'
import { loadPositions, savePositions } from './log-positions.ts'
import type { FilePosition } from './log-positions.ts'
import { nextChange } from './next-change.ts'

/** Lines that were written one after the other into one file. */
export interface Batch {
  readonly lines: readonly WrittenLine[]
  /** Whether there were lines before these that nobody will read. */
  readonly gap: boolean
}

/** Takes the lines of a batch; the next one waits until it is done. */
export type Take = (batch: Batch) => void | Promise<void>

export interface FollowerOptions {
  /** Where the server writes; may be mounted read-only, and need not be there yet. */
  readonly folder: string
  /** The file that has how far was read. */
  readonly record: string
  /** Milliseconds from whenever; it never goes back. */
  readonly now: () => number
  /** What was handed out so lately is handed out again after an end without notice, for what came of it may not have been told; milliseconds. */
  readonly repeat?: number
}

interface Mark {
  readonly at: number
  readonly positions: readonly FilePosition[]
}

/** What was read so far. */
export interface FollowerFigures {
  readonly lines: number
  readonly bytes: number
  /** Bytes that were passed over, being too much. */
  readonly droppedBytes: number
  /** Bytes that are not read yet. */
  readonly behindBytes: number
  /** Up to when everything that was written has been read, by the clock of the options. */
  readonly readUpTo: number
  /** Files of jsonlog that are there. */
  readonly files: number
  /** What cannot be read or put on record, and why. */
  readonly troubles: readonly string[]
}

/** Read at one time and handed out in one batch, bytes. */
const piece = 262_144
/** Some seconds of a log of which nobody will ever write more, bytes. */
const mostBehind = 67_108_864
/** What is read of it after that was exceeded, bytes. */
const kept = 1_048_576
/** Read before it is looked again what else there is, bytes. */
const mostAtOnce = 8_388_608
/** Who is killed reads again what was read since, and what is to be repeated, milliseconds. */
const saveEvery = 250

export class LogFollower {
  readonly #options: FollowerOptions
  readonly #buffer = Buffer.allocUnsafeSlow(piece)
  #files: FollowedFiles | undefined
  #lines = 0
  #bytes = 0
  #dropped = 0
  #gap = false
  #readUpTo = Number.NEGATIVE_INFINITY
  #troubles: readonly string[] = []
  /** What was read before each time of saving, as far back as is to be repeated. */
  #marks: Mark[] = []
  #unsaved = true
  #savedAt = Number.NEGATIVE_INFINITY

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  get figures(): FollowerFigures {
    return {
      lines: this.#lines,
      bytes: this.#bytes,
      droppedBytes: this.#dropped,
      behindBytes: behindOf(this.#files?.written ?? []),
      readUpTo: this.#readUpTo,
      files: this.#files?.there ?? 0,
      troubles: this.#troubles,
    }
  }

  /** Follows until the signal aborts; the next batch comes when the one before was taken. `looked` hears of each look. @throws what taking a batch throws. */
  async run(take: Take, signal: AbortSignal, looked: () => void = () => undefined): Promise<void> {
    try {
      for (let busy = true; !signal.aborted;) {
        using next = nextChange(this.#options.folder, busy, signal)
        busy = (await this.look(take, signal)) > 0
        looked()
        await next.happened
      }
    } catch (error) {
      // What came of what was read last is not known.
      await this.#files?.close()
      throw error
    }
    await this.close()
  }

  /** Hands out what there is now, and returns how many bytes that were. @throws what taking a batch throws. */
  async look(take: Take, signal: AbortSignal): Promise<number> {
    const { folder, record, now } = this.#options
    this.#files ??= new FollowedFiles(folder, await loadPositions(record, folder))
    const troubles = [...(await this.#files.look(now()))]
    const { written } = this.#files
    this.#passOver(written)
    const before = this.#bytes
    for (const file of written)
      while (!signal.aborted && this.#bytes - before < mostAtOnce) if (!(await this.#read(file, take, troubles))) break
    if (now() - this.#savedAt >= saveEvery) await this.#save(troubles)
    this.#troubles = troubles
    // A file that began after the folder was read is not known yet.
    if (behindOf(this.#files.written) === 0) this.#readUpTo = this.#files.listedAt
    return this.#bytes - before
  }

  /** Puts on record how far was read, for all of that is told, and lets go of the files. */
  async close(): Promise<void> {
    this.#unsaved ||= this.#marks.length > 1
    await this.#save([], 0)
    await this.#files?.close()
    this.#files = undefined
  }

  /** Who is too far behind keeps the end of what is there. */
  #passOver(written: readonly FollowedFile[]): void {
    if (behindOf(written) <= mostBehind) return
    let room = kept
    for (const file of written.toReversed()) {
      this.#dropped += file.passOver(room)
      room -= Math.max(0, file.behind)
    }
    this.#gap = true
  }

  /** Hands out one piece of a file; false where there is none. */
  async #read(file: FollowedFile, take: Take, troubles: string[]): Promise<boolean> {
    const read = await file.read(this.#buffer).catch(async (error: Error) => {
      troubles.push(error.message)
      await file.close()
    })
    if (read === undefined) return false
    const { lines, bytes, gap } = read
    this.#gap ||= gap
    if (lines.length > 0) {
      await take({ lines, gap: this.#gap })
      this.#gap = false
    }
    file.accept()
    this.#lines += lines.length
    this.#bytes += bytes
    file.neededAt = this.#options.now()
    this.#unsaved ||= bytes > 0
    return bytes > 0
  }

  /** Puts on record how far was read, without what is to be repeated. */
  async #save(troubles: string[], repeat = this.#options.repeat ?? 0): Promise<void> {
    if (!this.#unsaved || this.#files === undefined) return
    const now = this.#options.now()
    this.#savedAt = now
    this.#marks.push({ at: now, positions: this.#files.positions })
    while ((this.#marks[1]?.at ?? Infinity) <= now - repeat) this.#marks.shift()
    try {
      await savePositions(this.#options.record, this.#options.folder, this.#marks[0]?.positions ?? [])
      this.#unsaved = this.#marks.length > 1
    } catch (error) {
      troubles.push(error instanceof Error ? error.message : String(error))
    }
  }
}

function behindOf(written: readonly FollowedFile[]): number {
  return written.reduce((sum, { behind }) => sum + Math.max(0, behind), 0)
}
