// The log files of a folder that are written to: the newest ones, each message in one of them only.
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formats } from './log-lines.ts'
import type { LogFormat } from './log-lines.ts'

export interface LogFile {
  readonly path: string
  readonly format: LogFormat
  readonly inode: string
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
}

/** Entries of the folder that are looked at. */
const mostEntries = 10_000
/** Files, by name from the last on: names have the time they begin, or the day of a week or month. */
const mostFiles = 64
const ending = new RegExp(`^(.+)\\.(${formats.join('|')})$`)

/** What stays when a file is renamed. */
export function inodeOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`
}

/** Files that may be written to; undefined where the folder cannot be read. */
export async function logFiles(folder: string): Promise<readonly LogFile[] | undefined> {
  const best = new Map<string, LogFormat>()
  try {
    let seen = 0
    for await (const { name } of await opendir(folder)) {
      if ((seen += 1) > mostEntries) break
      const [, stem = '', format] = ending.exec(name) ?? []
      const here = formats.find((one) => one === format)
      const other = best.get(stem)
      if (here !== undefined && (other === undefined || formats.indexOf(here) < formats.indexOf(other)))
        best.set(stem, here)
    }
  } catch {
    return undefined
  }
  const newest = [...best].toSorted(([a], [b]) => (a < b ? 1 : -1)).slice(0, mostFiles)
  const found: LogFile[] = []
  for (const [stem, format] of newest) {
    const path = join(folder, `${stem}.${format}`)
    const about = await stat(path, { bigint: true }).catch(() => undefined)
    if (about?.isFile() !== true) continue
    const inode = inodeOf(about)
    // A link to the file that is written to is another name of it.
    if (found.every((one) => one.inode !== inode))
      found.push({ path, format, inode, size: Number(about.size), modifiedAt: Number(about.mtimeMs) })
  }
  return found
}
