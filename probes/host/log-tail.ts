// What was added to one log file since it was last read, line by line, however long lines are and however much it is.
import type { FileHandle } from 'node:fs/promises'
import { readAt } from './read-head.ts'

/** Of one file at one time, bytes. */
const mostRead = 1_048_576
/** Who is further behind will not catch up, and old news is worth less than new, bytes. */
const mostBehind = 16 * mostRead
/** What is counted of a line stands at its beginning; of the rest, a statement mostly, nobody wants to hear, bytes. */
const longestLine = 65_536
const newline = 0x0a

/** A file's reader. */
export class LogTail {
  #offset: number
  /** What there is of a line that is not yet complete. */
  #begun = Buffer.alloc(0)
  /** The line that goes on where reading began anew is not known from its beginning. */
  #cut = false

  /** Reads what comes after this many bytes. */
  constructor(offset: number) {
    this.#offset = offset
  }

  /** Whether there is something to read in a file of this size. */
  behind(size: number): boolean {
    return size !== this.#offset
  }

  /** Gives out complete lines and returns how many bytes it passed over. @throws the file system's error. */
  async read(file: FileHandle, size: number, each: (line: string) => void): Promise<number> {
    if (size < this.#offset) this.#restart(0)
    const passed = size - this.#offset > mostBehind ? size - mostRead - this.#offset : 0
    if (passed > 0) {
      this.#restart(size - mostRead)
      this.#cut = true
    }
    const chunk = await readAt(file, this.#offset, Math.min(mostRead, size - this.#offset))
    this.#offset += chunk.length
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#keep(chunk.subarray(start, end))
      if (!this.#cut) each(this.#begun.toString('utf8'))
      this.#begun = Buffer.alloc(0)
      this.#cut = false
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
    return passed
  }

  #restart(offset: number): void {
    this.#offset = offset
    this.#begun = Buffer.alloc(0)
    this.#cut = false
  }

  #keep(piece: Buffer): void {
    const room = longestLine - this.#begun.length
    if (room > 0) this.#begun = Buffer.concat([this.#begun, piece.subarray(0, room)])
  }
}
