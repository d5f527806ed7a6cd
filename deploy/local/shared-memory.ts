// What kill -9 of a postmaster leaves in the kernel, where removing the data directory does not reach it.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerUser } from './server-user.ts'

/** Frees the System V segment (56 bytes) of a postmaster that could not do so itself; after a clean stop does nothing. */
export function removeSharedMemory(dataDir: string, user: ServerUser | undefined): void {
  try {
    // The seventh line of the pid file has key and id of the segment; a clean stop removes the file.
    const line = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[6] ?? ''
    const id = line.trim().split(/\s+/)[1]
    if (id === undefined) return
    execFileSync('ipcrm', ['-m', id], {
      stdio: 'ignore',
      timeout: 2000,
      ...(user !== undefined && { uid: user.uid, gid: user.gid }),
    })
  } catch {
    // Gone already, or no ipcrm here: so small a leftover is no reason to fail.
  }
}
