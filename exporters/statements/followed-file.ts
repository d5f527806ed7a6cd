// One file of the log that is followed, under whatever name: it is renamed, truncated, copied, and its inode given to another one.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { inodeOf } from '../../probes/host/log-folder.ts'
import type { LogFile } from '../../probes/host/log-folder.ts'
import { LogTail } from '../../probes/host/log-tail.ts'
import type { WrittenLine } from '../../probes/host/log-tail.ts'
import { readAt } from '../../probes/host/read-head.ts'
import type { FilePosition } from './log-positions.ts'

/** Enough for the time and process of the first line, which make a file known, and too little for any text of it, bytes. */
const enoughToKnow = 128

interface Piece {
  readonly lines: readonly WrittenLine[]
  readonly bytes: number
  /** Whether there may have been lines before these that nobody will read. */
  readonly gap: boolean
}

export class FollowedFile {
  readonly inode: string
  /** When it last was the one that is written to, or was read, by the follower's clock. */
  neededAt = Number.NEGATIVE_INFINITY
  #path: string | undefined
  #size = 0
  #modifiedAt = 0
  /** Whether it is not known yet what it is a copy of, if of anything. */
  isFresh = false
  readonly #tail: LogTail
  #beginning: Buffer
  #accepted: number
  #copy = false
  #handle: FileHandle | undefined

  constructor({ inode, offset, beginning }: FilePosition) {
    this.inode = inode
    this.#tail = new LogTail(offset)
    this.#beginning = Buffer.from(beginning, 'base64')
    this.#accepted = offset
  }

  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  /** Whether it can be read, for it is in the folder, or was when it was opened. */
  get isThere(): boolean {
    return this.isOpen || this.#path !== undefined
  }

  /** How many bytes are not read yet; below zero where it was truncated. */
  get behind(): number {
    return this.isThere ? this.#tail.behind(this.#size) : 0
  }

  /** How far its lines were accepted. */
  get position(): FilePosition {
    return { inode: this.inode, offset: this.#accepted, beginning: this.#beginning.toString('base64') }
  }

  /** It was found in the folder, or no longer. */
  seen(found: Pick<LogFile, 'path' | 'size' | 'modifiedAt'> | undefined): void {
    this.#path = found?.path
    if (found === undefined) return
    this.#size = found.size
    this.#modifiedAt = found.modifiedAt
  }

  /** Which of two was written to before, as Array.sort has it; where the clock does not tell, the one that is being read, then by name. */
  compare(other: FollowedFile): number {
    return (
      this.#modifiedAt - other.#modifiedAt ||
      Number(this.#accepted === 0) - Number(other.#accepted === 0) ||
      ((this.#path ?? '') < (other.#path ?? '') ? -1 : 1)
    )
  }

  /** Whether so much of it is written that no other file begins like this, but a copy. */
  get isDistinct(): boolean {
    return this.#beginning.length === enoughToKnow
  }

  beginsAs(other: FollowedFile): boolean {
    return this.#beginning.equals(other.#beginning)
  }

  /** Opens it, learns how it begins and how long it is; false where it is gone. @throws the file system's error. */
  async look(): Promise<boolean> {
    this.#handle ??= await this.#open()
    if (this.#handle === undefined) return false
    const { size, mtimeMs } = await this.#handle.stat()
    this.#size = size
    this.#modifiedAt = Math.floor(mtimeMs)
    if (this.#tail.position === 0 || this.#beginning.length === 0)
      this.#beginning = await readAt(this.#handle, 0, enoughToKnow)
    return true
  }

  /** Goes on where the other one is, of which it is a copy, perhaps not yet a whole one. */
  goOnAs(other: FollowedFile): void {
    this.#copy = true
    this.#tail.restart(other.#tail.position)
    this.accept()
  }

  /** Leaves out all but the last bytes and returns how many those are. */
  passOver(kept: number): number {
    const passed = this.#tail.passOver(this.#size, kept, kept)
    this.accept()
    return passed
  }

  /** What comes next, as much as the buffer has room for. @throws the file system's error. */
  async read(buffer: Buffer): Promise<Piece> {
    if (!(await this.look()) || this.#handle === undefined) return { lines: [], bytes: 0, gap: false }
    const beginning = await readAt(this.#handle, 0, enoughToKnow)
    const anew =
      (this.behind < 0 && !this.#copy) || !beginning.subarray(0, this.#beginning.length).equals(this.#beginning)
    this.#beginning = beginning
    if (anew) this.#tail.restart(0)
    const before = this.behind
    if (before <= 0) return { lines: [], bytes: 0, gap: anew }
    const lines = await this.#tail.read(this.#handle, this.#size, buffer)
    return { lines, bytes: before - this.behind, gap: anew }
  }

  /** What was read so far needs not be read again. */
  accept(): void {
    this.#accepted = this.#tail.position
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close().catch(() => undefined)
  }

  async #open(): Promise<FileHandle | undefined> {
    if (this.#path === undefined) return undefined
    // Not blocking, for somebody may have put a pipe there, which nobody writes to.
    const handle = await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      },
    )
    if (handle === undefined || inodeOf(await handle.stat({ bigint: true })) === this.inode) return handle
    // Renamed just now, and another one has its name: either is found the next time.
    await handle.close()
    return undefined
  }
}
