// Paths of files and directories -> the texts of the YAML files there, within bounds.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatSize } from '../setting-types.ts'

/** What is wrong with a file, or at a place in it. */
export interface Problem {
  readonly file: string
  /** Counted from 1, like columns; undefined where it is the whole file. */
  readonly line?: number
  readonly column?: number
  readonly reason: string
}

export interface QueryFile {
  readonly file: string
  readonly text: string
}

const mostFiles = 20
/** Room for more queries than are allowed. A file is parsed in one go, and the worst of this size takes a second, in which nobody else has an answer. */
const largest = 64 * 1024

/** Texts of all files that can be read; of a directory those that end in .yaml or .yml, by name. */
export async function readFiles(
  paths: readonly string[],
): Promise<{ readonly files: readonly QueryFile[]; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = []
  const complain = (file: string, reason: string): void => void problems.push({ file, reason })
  const names = new Set<string>()
  for (const path of paths) {
    try {
      for (const name of await filesAt(path)) names.add(name)
    } catch (error) {
      complain(path, `cannot be read: ${messageOf(error)}`)
    }
  }
  const files: QueryFile[] = []
  for (const [index, file] of [...names].entries()) {
    if (index >= mostFiles) {
      complain(
        file,
        `there are ${names.size} files, and this one and all after it are left out; allowed: at most ${mostFiles}`,
      )
      break
    }
    try {
      const found = await stat(file)
      if (!found.isFile()) complain(file, 'is no file; allowed: YAML files and directories of them')
      else if (found.size > largest)
        complain(file, `has ${formatSize(found.size)}; allowed: at most ${formatSize(largest)}`)
      else files.push({ file, text: await readFile(file, 'utf8') })
    } catch (error) {
      complain(file, `cannot be read: ${messageOf(error)}`)
    }
  }
  return { files, problems }
}

/** Files whose names begin with a dot are how Kubernetes mounts a ConfigMap, and how editors save. */
async function filesAt(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const names = (await readdir(path)).filter((name) => /^[^.].*\.ya?ml$/.test(name))
  return names.toSorted().map((name) => join(path, name))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
