// Runs one program to its end. "To its end" is meant: an abort or a deadline kills it with all its children and waits
// for them, since a folder can only be removed when nobody writes into it any more.

import { spawn } from 'node:child_process'
import { endWithProcess } from './leftovers.ts'
import { LocalError } from './local-error.ts'
import { sendSignal } from './process-table.ts'
import type { ServerUser } from './server-user.ts'

/** How a program ended. */
export interface ProgramResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What it runs with. */
interface ProgramOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Steps down to this user, if any. */
  readonly user?: ServerUser | undefined
  /** Milliseconds until it is killed, 60,000 unless told. */
  readonly deadline?: number | undefined
  readonly cwd?: string | undefined
}

/**
 * Runs the program and returns exit code and output, whatever the code is.
 * @throws LocalError when it cannot be started or is killed by the deadline; the signal's reason when that fires.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
  signal?: AbortSignal,
): Promise<ProgramResult> {
  signal?.throwIfAborted()
  const { env, user, deadline = 60_000, cwd } = options
  const child = spawn(program, args, {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user !== undefined && { uid: user.uid, gid: user.gid }),
  })
  const killGroup = (): void => void (child.pid !== undefined && sendSignal(-child.pid, 'SIGKILL'))
  const forget = endWithProcess(killGroup)
  const timer = setTimeout(killGroup, deadline)
  signal?.addEventListener('abort', killGroup)
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  try {
    // "close" comes when the last holder of its output, a child's child perhaps, is gone.
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (cause) => reject(new LocalError(`${program} cannot be run: ${cause.message}`, { cause })))
      child.once('close', resolve)
    })
    signal?.throwIfAborted()
    if (code === null) throw new LocalError(`killed after at most ${deadline / 1000} s\n${stdout}${stderr}`.trimEnd())
    return { code, stdout, stderr }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', killGroup)
    forget()
  }
}
