// The one data directory that the servers of a test run are copies of: initdb takes a second of a core, and a run needs
// hundreds of servers. Only where the run has a folder for it.

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerBinaries } from './binaries.ts'
import { copyFolder } from './copy-folder.ts'
import { runFolder } from './run-folder.ts'
import { renewSystemIdentifier } from './system-identifier.ts'

/** The superuser's password, which initdb writes into the template: one for all its copies. */
export function superuserPassword(): string {
  const password = randomBytes(16).toString('hex')
  const folder = runFolder()
  if (folder === undefined) return password
  const file = join(folder, 'superuser-password')
  try {
    writeFileSync(file, password, { mode: 0o600, flag: 'wx' })
    return password
  } catch {
    // Whoever was first has decided.
    return readFileSync(file, 'utf8')
  }
}

/** Makes `dataDir` (which must not exist) from the template, if there is one; says whether. */
export async function copyTemplate(binaries: ServerBinaries, dataDir: string, signal?: AbortSignal): Promise<boolean> {
  const template = templateOf(binaries)
  if (template === undefined || !existsSync(template)) return false
  await copyFolder(template, dataDir, signal)
  await renewSystemIdentifier(dataDir)
  return true
}

/** Keeps a data directory that initdb has just made as the template, unless there is one or none is wanted. */
export async function keepTemplate(binaries: ServerBinaries, dataDir: string, signal?: AbortSignal): Promise<void> {
  const [folder, template] = [runFolder(), templateOf(binaries)]
  if (folder === undefined || template === undefined || existsSync(template)) return
  const made = await mkdtemp(join(folder, 'made-'))
  await copyFolder(dataDir, join(made, 'data'), signal)
  // Whole or not at all; where another process was faster, that one stays.
  await rename(join(made, 'data'), template).catch(() => undefined)
  await rm(made, { recursive: true, force: true })
}

function templateOf({ citus, major }: ServerBinaries): string | undefined {
  const folder = runFolder()
  return folder === undefined ? undefined : join(folder, `data-${citus}-${major}`)
}
