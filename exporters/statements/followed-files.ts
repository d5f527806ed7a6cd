// The jsonlog files of a folder that are followed: which ones are new, where each begins, in which order they are read, which stay open.
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inodeOf, logFiles } from '../../probes/host/log-folder.ts'
import type { LogFile } from '../../probes/host/log-folder.ts'
import { FollowedFile } from './followed-file.ts'
import type { FilePosition } from './log-positions.ts'

/** Milliseconds between two looks into the folder. */
const listEvery = 1_000
/** A file that was renamed may be written to until the server opens the next one, milliseconds. */
const openFor = 10_000
/** Positions that are kept, also of files that are not seen for a while. */
const mostKnown = 128
/** Names that a file gets when it is rotated away: https://linux.die.net/man/8/logrotate */
const rotated = /\.json[.-]/

export class FollowedFiles {
  readonly #folder: string
  /** Those that were not seen for longest first. */
  readonly #known = new Map<string, FollowedFile>()
  #listed = false
  #listedAt = Number.NEGATIVE_INFINITY
  #troubles: readonly string[] = []

  /** Where nothing is on record of what is there, reading begins at its end. */
  constructor(folder: string, positions: readonly FilePosition[]) {
    this.#folder = folder
    for (const position of positions) this.#known.set(position.inode, new FollowedFile(position))
  }

  /** When the folder was last read. */
  get listedAt(): number {
    return this.#listedAt
  }

  /** How many files are there. */
  get there(): number {
    return [...this.#known.values()].filter(({ isThere }) => isThere).length
  }

  get positions(): readonly FilePosition[] {
    return [...this.#known.values()].map(({ position }) => position)
  }

  /** Files in which there is something to read, from the oldest on. */
  get written(): readonly FollowedFile[] {
    return [...this.#known.values()]
      .filter((file) => file.behind !== 0 && !file.isFresh)
      .toSorted((a, b) => a.compare(b))
  }

  /** Looks what there is, and tells what cannot be read and why. */
  async look(now: number): Promise<readonly string[]> {
    const due = now - this.#listedAt >= listEvery
    if (due) this.#troubles = await this.#list(now)
    // After the list: once there is a new file, the one before has all that it will ever have.
    const troubles = await looked([...this.#known.values()].filter((file) => file.isOpen || file.isFresh))
    this.#findCopies()
    if (due) troubles.push(...(await this.#keepOpen(now)))
    return [...this.#troubles, ...troubles]
  }

  async close(): Promise<void> {
    for (const file of this.#known.values()) await file.close()
  }

  async #list(now: number): Promise<readonly string[]> {
    const found = (await logFiles(this.#folder))?.filter(({ format }) => format === 'json')
    if (found === undefined) return [`${this.#folder} cannot be read`]
    this.#listedAt = now
    if (!this.#listed) await this.#begin(found)
    this.#listed = true
    const gone = new Set(this.#known.values())
    for (const one of found) {
      const file = this.#known.get(one.inode) ?? new FollowedFile({ inode: one.inode, offset: 0, beginning: '' })
      if (!gone.delete(file)) file.isFresh = true
      file.seen(one)
      this.#know(file)
    }
    for (const file of gone) file.seen(undefined)
    return []
  }

  /** A file that is copied before it is truncated has the same lines twice: https://linux.die.net/man/8/logrotate (copytruncate). */
  #findCopies(): void {
    for (const file of this.#known.values()) {
      if (!file.isFresh || !file.isDistinct) continue
      const original = [...this.#known.values()].find((other) => other !== file && other.beginsAs(file))
      if (original !== undefined) file.goOnAs(original)
      file.isFresh = false
    }
  }

  /** The first time: where nothing of it is known, what is there is old. */
  async #begin(found: readonly LogFile[]): Promise<void> {
    const inodes = new Set(found.map(({ inode }) => inode))
    const missing = [...this.#known.values()].filter(({ inode }) => !inodes.has(inode))
    if (missing.length > 0) await this.#findRotated().catch(() => undefined)
    if ([...this.#known.values()].some((file) => file.isOpen || inodes.has(file.inode))) return
    this.#known.clear()
    for (const { inode, size } of found) this.#know(new FollowedFile({ inode, offset: size, beginning: '' }))
  }

  /** What was read before a restart and was rotated away meanwhile is read to its end. */
  async #findRotated(): Promise<void> {
    for await (const { name } of await opendir(this.#folder)) {
      if (!rotated.test(name)) continue
      const path = join(this.#folder, name)
      const about = await stat(path, { bigint: true }).catch(() => undefined)
      const file = about?.isFile() === true ? this.#known.get(inodeOf(about)) : undefined
      if (file === undefined || about === undefined) continue
      file.seen({ path, size: Number(about.size), modifiedAt: Number(about.mtimeMs) })
      await looked([file])
    }
  }

  /** The one that is written to stays open, so that it can be read whatever becomes of its name; the others for a while. */
  async #keepOpen(now: number): Promise<readonly string[]> {
    const newest = [...this.#known.values()].filter(({ isThere }) => isThere).toSorted((a, b) => b.compare(a))[0]
    if (newest !== undefined) newest.neededAt = now
    for (const file of this.#known.values()) if (now - file.neededAt >= openFor && file.behind === 0) await file.close()
    return newest === undefined ? [] : await looked([newest])
  }

  #know(file: FollowedFile): void {
    this.#known.delete(file.inode)
    this.#known.set(file.inode, file)
    for (const [inode, { isOpen }] of this.#known)
      if (this.#known.size > mostKnown && !isOpen) this.#known.delete(inode)
  }
}

/** Opens what is not open, and tells what cannot be and why. */
async function looked(files: readonly FollowedFile[]): Promise<string[]> {
  const troubles: string[] = []
  for (const file of files) await file.look().catch((error: Error) => troubles.push(error.message))
  return troubles
}
