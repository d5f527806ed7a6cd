// Copies a server's data directory, running or not, with its owners.

import { LocalError } from './local-error.ts'
import { runProgram } from './run-program.ts'

/** Copies `from` to `to`, which must not exist. @throws LocalError when more fails than a file that went meanwhile */
export async function copyFolder(from: string, to: string, signal?: AbortSignal): Promise<void> {
  // node:fs cannot keep owners; sharing blocks where the file system can saves time and disk, and so do holes where a
  // segment of WAL has nothing yet.
  const args = ['-a', '--reflink=auto', '--sparse=always', from, to]
  const { code, stderr } = await runProgram('cp', args, { env: { PATH: process.env['PATH'], LC_ALL: 'C' } }, signal)
  // A running server removes files while it is copied; its backup mode makes up for that.
  const others = stderr.split('\n').filter((line) => line !== '' && !line.endsWith('No such file or directory'))
  if (code !== 0 && others.length > 0) throw new LocalError(`copying ${from} failed:\n${stderr}`.trimEnd())
}
