// Where a program of this machine is: on PATH, or where Debian puts it.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The first that may be run; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
  return folders.map((folder) => join(folder, name)).find(mayRun)
}

function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
