// The folder in which servers live: where it may be, what must be able to reach it, and its removal.

import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, realpath, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findBinaries, type ServerBinaries } from './binaries.ts'
import { LocalError } from './local-error.ts'
import type { Passwords } from './postgres-files.ts'
import { runFolder } from './run-folder.ts'
import { canReach, findServerUser, makeFolder, type ServerUser } from './server-user.ts'
import { stageBinaries } from './staged-binaries.ts'
import { superuserPassword } from './volume-template.ts'

/** A folder with all that its servers share. */
export interface Workspace {
  /** The folder as callers know it. */
  readonly dir: string
  /** Where the nodes' folders really are: `dir`, or a temporary one where servers cannot live in `dir`. */
  readonly ground: string
  readonly binaries: ServerBinaries
  readonly user?: ServerUser | undefined
  readonly passwords: Passwords
}

/** The file that makes a folder a cluster's. */
export const RECORD_NAME = 'cluster.json'

/**
 * Makes the folder (a temporary one, in that of the run if there is one, unless `dir` is given), finds the binaries and the user to run them as.
 * @throws LocalError when `dir` is not empty or no folder suits.
 */
export async function makeWorkspace(options: {
  dir?: string | undefined
  server?: string | undefined
  nodeNames: readonly string[]
}): Promise<Workspace> {
  const user = findServerUser()
  const binaries = await findBinaries(options.server)
  const dir =
    options.dir === undefined ? await makeTemporary(runFolder() ?? tmpdir()) : await takeFolder(resolve(options.dir))
  const made = { dir, ground: dir, binaries, user, passwords: makePasswords() }
  try {
    // Servers step down to another user, who must be able to enter; what is secret inside has a mode of its own.
    if (user !== undefined) await chmod(dir, 0o755)
    const ground = await chooseGround(dir, options.nodeNames, user)
    return { ...made, ground, binaries: await stageBinaries(binaries, join(runFolder() ?? ground, 'server'), user) }
  } catch (error) {
    removeWorkspace(made)
    throw error
  }
}

/** Makes one node's folder, visible below `dir` wherever it lies, and returns its real path. */
export async function makeNodeFolder(workspace: Workspace, name: string): Promise<string> {
  const folder = join(workspace.ground, name)
  await makeFolder(folder, 0o755)
  if (workspace.ground !== (await realpath(workspace.dir))) await symlink(folder, join(workspace.dir, name))
  return folder
}

/** Removes everything of the workspace from the disk; at once, since it is also done while the process exits. */
export function removeWorkspace(workspace: Pick<Workspace, 'dir' | 'ground'>): void {
  for (const folder of [workspace.dir, workspace.ground]) {
    // A server that was just killed may still be writing its last file: the second try finds none.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
  }
}

/** Whether servers with these names can live in the folder: reachable, and short and plain enough for sockets. */
export function suitsServers(folder: string, nodeNames: readonly string[], user: ServerUser | undefined): boolean {
  const longest = Math.max(...nodeNames.map((name) => Buffer.byteLength(join(folder, name))))
  // A socket's address has 107 bytes; the sidecar allows 81 characters before "/control.sock".
  const fits = longest + '/socket/.s.PGSQL.65535'.length <= 107 && longest + '/run'.length <= 81
  return fits && /^[\w./@%+=~-]+$/.test(folder) && canReach(folder, user)
}

async function chooseGround(dir: string, nodeNames: readonly string[], user: ServerUser | undefined): Promise<string> {
  const real = await realpath(dir)
  if (suitsServers(real, nodeNames, user)) return real
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (!existsSync(parent)) continue
    const ground = await realpath(await makeTemporary(parent))
    if (user !== undefined) await chmod(ground, 0o755)
    if (suitsServers(ground, nodeNames, user)) return ground
    rmSync(ground, { recursive: true })
  }
  throw new LocalError(
    `neither ${dir} nor a temporary folder can be reached by user ${user?.name ?? process.getuid?.()}`,
  )
}

async function makeTemporary(parent: string): Promise<string> {
  return await mkdtemp(join(parent, 'citus-sidecar-'))
}

async function takeFolder(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true })
  const entries = await readdir(dir)
  if (entries.includes(RECORD_NAME)) {
    throw new LocalError(`${dir} already has a cluster; "npm run cluster -- down --dir ${dir}" ends it`)
  }
  if (entries.length > 0) throw new LocalError(`${dir} is not empty; a cluster needs a new or an empty folder`)
  return dir
}

function makePasswords(): Passwords {
  return { postgres: superuserPassword(), citus_sidecar: randomBytes(16).toString('hex') }
}
