// How far crash recovery has come, from the title of PostgreSQL's startup process; seen only where the pod shares its process namespace.
import { readdir, readFile } from 'node:fs/promises'

const title = /^postgres: (?:[^:]+: )?startup\s+recovering ([0-9A-F]{24})/

/** The WAL file being replayed, undefined where no or more than one startup process can be seen. */
export async function recoveryProgress(proc = '/proc'): Promise<string | undefined> {
  const names = await readdir(proc).catch(() => [])
  const titles = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => await readFile(`${proc}/${name}/cmdline`, 'utf8').catch(() => '')),
  )
  const files = titles.map((line) => title.exec(line)?.[1]).filter((file) => file !== undefined)
  return files.length === 1 ? files[0] : undefined
}
