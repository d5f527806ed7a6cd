// Where the servers of a test run live: in memory, where there is plenty, for they make and remove a million files.
import { readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const memory = '/dev/shm'

/** Linux' number of tmpfs (statfs(2)). */
const tmpfs = 0x01021994

/** Bytes that have to be free: the servers of a run have a quarter of that at most. */
const plenty = 6e9

/** The folder to make the run's folder in. */
export function runGround(): string {
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
