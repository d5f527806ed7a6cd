// Where the servers of a test run live: in memory, where there is plenty, for they make and remove a million files; and what a run shares.
import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProgram } from '../deploy/build.ts'
import { endWithProcess } from '../deploy/local/leftovers.ts'

const memory = '/dev/shm'

/** Linux' number of tmpfs (statfs(2)). */
const tmpfs = 0x01021994

/** Bytes that have to be free: the servers of a run have a quarter of that at most. */
const plenty = 6e9

/** Makes the folder of this run with the program in it, tells it to all that starts here, and removes it when this process ends. */
export async function takeRunFolder(): Promise<void> {
  const folder = mkdtempSync(join(runGround(), 'citus-sidecar-run-'))
  endWithProcess(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }))
  // Servers step down to another user, who must be able to enter.
  chmodSync(folder, 0o755)
  process.env['CITUS_SIDECAR_LOCAL_RUN'] = folder
  // Hundreds of processes load the same modules: what the first one compiles the others read.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled')
  await buildProgramIn(join(folder, 'program'))
}

/** The program as it is shipped, and its packages as if they lay beside it. */
async function buildProgramIn(folder: string): Promise<void> {
  await buildProgram(folder)
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
}

/** The folder to make the run's folder in. */
function runGround(): string {
  try {
    const { type, bavail, bsize } = statfsSync(memory)
    const roomy = bavail * bsize > plenty && process.availableMemory() > plenty
    return type === tmpfs && roomy && runsPrograms() ? memory : tmpdir()
  } catch {
    // Not every system has it.
    return tmpdir()
  }
}

/** The npm server's programs may have to be copied there. */
function runsPrograms(): boolean {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  const options = mounts.map((line) => line.split(' ')).findLast(([, folder]) => folder === memory)?.[3]
  return options !== undefined && !options.split(',').includes('noexec')
}
