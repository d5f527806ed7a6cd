// PostgreSQL refuses to run as root: this file finds the unprivileged user to step down to, and knows what it can reach.

import { readFileSync, statSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LocalError } from './local-error.ts'

/** The user that servers run as when this process is root. */
export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * `postgres`, else `nobody`, when this process is root; undefined when it is not and servers simply run as itself.
 * @throws LocalError when this is root and neither user exists.
 */
export function findServerUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const entry = entries.find(([name]) => name === wanted)
    if (entry !== undefined) return { name: wanted, uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  throw new LocalError('PostgreSQL does not run as root, and /etc/passwd has neither a user postgres nor nobody')
}

/** Whether the user may enter every folder above `path` and read (and, as a folder or program, use) `path` itself. */
export function canReach(path: string, user: ServerUser | undefined): boolean {
  if (user === undefined) return true
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!permits(folder, 0o1, user)) return false
    if (folder === dirname(folder)) break
  }
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return permits(path, (mode & 0o111) === 0 ? 0o4 : 0o5, user)
}

/** Whether the permission bits of `path` (not its ACL) give the user all of `wanted` (4 read, 1 enter or execute). */
export function permits(path: string, wanted: number, user: ServerUser): boolean {
  const entry = statSync(path, { throwIfNoEntry: false })
  if (entry === undefined) return false
  const shift = entry.uid === user.uid ? 6 : entry.gid === user.gid ? 3 : 0
  return ((entry.mode >> shift) & wanted) === wanted
}

/** Makes a folder with exactly this mode, whatever the umask, and gives it to the user. */
export async function makeFolder(path: string, mode: number, owner?: ServerUser): Promise<void> {
  await mkdir(path, { recursive: true })
  await chmod(path, mode)
  if (owner !== undefined) await chown(path, owner.uid, owner.gid)
}

/** Writes a file with exactly this mode, whatever the umask, and gives it to the user. */
export async function writeOwnedFile(path: string, text: string, mode: number, owner?: ServerUser): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  if (owner !== undefined) await chown(path, owner.uid, owner.gid)
  await chmod(path, mode)
}
