// A file system of one megabyte that a test can fill: a tmpfs, which only root with the right to mount can have.
import { mkdir, open, rm } from 'node:fs/promises'
import { endWithProcess } from '../../deploy/local/leftovers.ts'
import { runProgram } from '../../deploy/local/run-program.ts'
import type { ServerUser } from '../../deploy/local/server-user.ts'
import { spawnSync } from 'node:child_process'

/** A mounted small disk; disposed it is gone, whoever still uses it. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
}

/** Mounts one at `path` for the user; a sentence that says why where that is not possible. */
export async function mountSmallDisk(path: string, user: ServerUser | undefined): Promise<SmallDisk | string> {
  if (user === undefined) return 'only root can mount a small file system'
  await mkdir(path)
  const options = `size=1m,mode=700,uid=${user.uid},gid=${user.gid}`
  const { code, stderr } = await runProgram('mount', ['-t', 'tmpfs', '-o', options, 'small-disk', path], {
    env: { PATH: process.env['PATH'] },
  })
  if (code !== 0) {
    await rm(path, { recursive: true })
    return `no small file system can be mounted: ${stderr.trim()}`
  }
  // At once, since it is also done while the process exits.
  const unmount = (): void => void spawnSync('umount', ['--lazy', path])
  const forget = endWithProcess(unmount)
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      unmount()
      forget()
      await rm(path, { recursive: true })
    },
  }
}

/** Writes a file there until nothing goes any more. */
export async function fillDisk(path: string): Promise<void> {
  await using file = await open(path, 'w')
  for (const size of [65_536, 4_096, 1])
    try {
      for (;;) await file.write(Buffer.alloc(size, 'x'))
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error
    }
}
