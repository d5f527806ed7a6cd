// A clone in a private folder cannot be read by the user that servers run as; then the npm server and the stand-in are
// hard-linked (copied where that is impossible) into the cluster's own folder, or once into that of the whole run.

import { existsSync } from 'node:fs'
import {
  chmod,
  copyFile,
  link,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ServerBinaries } from './binaries.ts'
import { canReach, makeFolder, permits, type ServerUser } from './server-user.ts'

/** The binaries as the user can use them: the same, or a copy below `folder` where it could not reach the original. */
export async function stageBinaries(
  binaries: ServerBinaries,
  folder: string,
  user: ServerUser | undefined,
): Promise<ServerBinaries> {
  const { packageDir, standInDir } = binaries
  if (packageDir === undefined || standInDir === undefined) return binaries
  const links = await readLinks(packageDir)
  const whole = links.every(({ to }) => existsSync(join(packageDir, '..', to)))
  const needed = [join(packageDir, 'bin/postgres'), join(packageDir, 'share/postgresql/postgres.bki'), standInDir]
  // extension_control_path has colons between its folders, so a folder with one in its name needs a copy too.
  if (whole && needed.every((path) => canReach(path, user)) && !standInDir.includes(':')) return binaries

  const native = join(folder, 'native')
  if (!existsSync(folder)) {
    // Whole or not at all, for the clusters of a run share one; where another process was faster, that one stays.
    const made = await mkdtemp(`${folder}-`)
    await makeFolder(made, 0o755)
    await copyTree(packageDir, join(made, 'native'), user)
    await copyTree(standInDir, join(made, 'stand-in'), user)
    for (const { from, to } of links) {
      if (!existsSync(join(made, to))) await symlink(join(folder, from), join(made, to))
    }
    await rename(made, folder).catch(async () => await rm(made, { recursive: true }))
  }
  return { ...binaries, packageDir: native, binDir: join(native, 'bin'), standInDir: join(folder, 'stand-in') }
}

/** The package's list of symbolic links, which npm cannot carry and an install script (if it may run) makes. */
async function readLinks(packageDir: string): Promise<{ from: string; to: string }[]> {
  const file = join(packageDir, 'pg-symlinks.json')
  if (!existsSync(file)) return []
  const entries: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (!Array.isArray(entries)) return []
  return entries.map((entry: { source: string; target: string }) => ({ from: entry.source, to: entry.target }))
}

async function copyTree(from: string, to: string, user: ServerUser | undefined): Promise<void> {
  await makeFolder(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target, user)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else if (!entry.name.endsWith('.a')) await placeFile(source, target, user)
  }
}

async function placeFile(source: string, target: string, user: ServerUser | undefined): Promise<void> {
  const isProgram = dirname(target).endsWith('bin')
  if (user === undefined || permits(source, isProgram ? 0o5 : 0o4, user)) {
    try {
      await link(source, target)
      return
    } catch {
      // Another file system, or links are not permitted: a copy does as well.
    }
  }
  await copyFile(source, target)
  await chmod(target, (await stat(source)).mode | (isProgram ? 0o555 : 0o444))
}
