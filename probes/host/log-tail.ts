// What was added to one log file since it was last read, line by line, however long lines are and however much it is.
import type { FileHandle } from 'node:fs/promises'
import { readAt } from './read-head.ts'

/** A line that is too long to be kept whole: how it begins and how it ends. */
export interface CutLine {
  readonly head: string
  readonly tail: string
}
/** A line as it was written, without its line break. */
export type WrittenLine = string | CutLine

/** Of one file at one time, bytes. */
export const mostRead = 1_048_576
/** Who is further behind will not catch up, and old news is worth less than new, bytes. */
const mostBehind = 16 * mostRead
/** A longer line is cut, bytes. */
const longestLine = 1_048_576
/** What is kept of each end of a line that is cut, bytes. */
const keptEnd = 65_536
const newline = 0x0a
const nothing = Buffer.alloc(0)

/** A file's reader; it gives out whole lines only, from the first one that begins at its offset or behind it. */
export class LogTail {
  #next = 0
  /** What there is of a line that is not yet complete. */
  #begun: Buffer = nothing
  /** How long it is so far, with what is not kept of it. */
  #length = 0
  /** The line that goes on where reading began anew is not known from its beginning. */
  #skipping = false

  /** Reads what comes after this many bytes. */
  constructor(offset: number) {
    this.restart(offset)
  }

  /** The offset with which another reader goes on exactly here. */
  get position(): number {
    return this.#skipping ? this.#next + 1 : this.#next - this.#length
  }

  /** How many bytes there are to read in a file of this size; below zero where it was truncated. */
  behind(size: number): number {
    return size - this.#next
  }

  /** Begins anew. */
  restart(offset: number): void {
    // One byte earlier, for whether a line begins at the offset is told by the one before it.
    this.#next = Math.max(0, offset - 1)
    this.#skipping = offset > 0
    this.#drop()
  }

  /** Leaves out what is too much, but for its end, and returns how many bytes that are. */
  passOver(size: number, most = mostBehind, kept = mostRead): number {
    const behind = this.behind(size)
    if (behind <= most) return 0
    this.restart(size - kept + 1)
    return behind - kept
  }

  /** The lines that were completed, from one piece of the file as large as the buffer. @throws the file system's error. */
  async read(file: FileHandle, size: number, buffer: Buffer = Buffer.alloc(mostRead)): Promise<readonly WrittenLine[]> {
    if (size < this.#next) this.restart(0)
    const chunk = await readAt(file, this.#next, Math.min(buffer.length, this.behind(size)), buffer)
    this.#next += chunk.length
    const first = chunk.indexOf(newline)
    if (first === -1) {
      this.#keep(chunk)
      return []
    }
    this.#keep(chunk.subarray(0, first))
    const lines: WrittenLine[] = this.#skipping ? [] : [this.#line()]
    this.#skipping = false
    this.#drop()
    const last = chunk.lastIndexOf(newline)
    // All at once, for a text is made faster than five hundred.
    if (last > first) lines.push(...chunk.toString('utf8', first + 1, last).split('\n'))
    this.#keep(chunk.subarray(last + 1))
    return lines
  }

  #line(): WrittenLine {
    if (this.#length <= longestLine) return this.#begun.toString('utf8')
    return { head: this.#begun.toString('utf8', 0, keptEnd), tail: this.#begun.toString('utf8', keptEnd) }
  }

  #keep(piece: Buffer): void {
    if (this.#skipping || piece.length === 0) return
    this.#length += piece.length
    const begun = Buffer.concat([this.#begun, piece])
    this.#begun =
      this.#length <= longestLine ? begun : Buffer.concat([begun.subarray(0, keptEnd), begun.subarray(-keptEnd)])
  }

  #drop(): void {
    this.#begun = nothing
    this.#length = 0
  }
}
