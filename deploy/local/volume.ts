// What can happen to a server's data directory: made new, emptied, cloned from another node, put back to an older
// state, turned into a standby. Each leaves the server stopped, except where its own sentence says otherwise.

import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { copyFolder } from './copy-folder.ts'
import { LocalError } from './local-error.ts'
import { serverPaths, type ServerSpec } from './postgres-files.ts'
import type { PostgresServer } from './postgres-server.ts'
import { runProgram } from './run-program.ts'
import { makeFolder, writeOwnedFile } from './server-user.ts'
import { removeSharedMemory } from './shared-memory.ts'
import { copyTemplate, keepTemplate } from './volume-template.ts'

/** Runs initdb, or copies what it once made: an empty data directory with a system identifier of its own. */
export async function createVolume(spec: ServerSpec, signal?: AbortSignal): Promise<void> {
  const { dataDir, superuserPasswordFile } = serverPaths(spec.folder)
  if (await copyTemplate(spec.binaries, dataDir, signal)) return
  const options = ['--no-sync', '--no-instructions', '--locale=C', '--encoding=UTF8', '--username=postgres']
  const login = ['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${superuserPasswordFile}`]
  await makeFolder(dataDir, 0o700, spec.user)
  const result = await runProgram(
    join(spec.binaries.binDir, 'initdb'),
    ['-D', dataDir, ...options, ...login],
    { cwd: '/', env: { PATH: process.env['PATH'], LC_ALL: 'C' }, user: spec.user },
    signal,
  )
  if (result.code !== 0)
    throw new LocalError(`initdb of ${spec.name} ended with exit code ${result.code}:\n${result.stderr}`.trimEnd())
  await keepTemplate(spec.binaries, dataDir, signal)
}

/** Stops the server and gives it a new, empty data directory, as an emptied volume behind the same name. */
export async function emptyVolume(server: PostgresServer, signal?: AbortSignal): Promise<void> {
  await removeVolume(server, signal)
  await createVolume(server.spec, signal)
}

/** Stops the server and gives it a copy of `source`'s data directory; `source` runs again afterwards if it ran. */
export async function cloneVolume(source: PostgresServer, server: PostgresServer, signal?: AbortSignal): Promise<void> {
  await removeVolume(server, signal)
  await whileStopped(source, () => copyFolder(source.dataDir, server.dataDir, signal), signal)
}

/** Copies the data directory aside and returns the copy's path; the server runs again afterwards if it ran. */
export async function takeSnapshot(server: PostgresServer, signal?: AbortSignal): Promise<string> {
  const snapshot = await mkdtemp(join(server.spec.folder, 'snapshot-'))
  await whileStopped(server, () => copyFolder(server.dataDir, join(snapshot, 'data'), signal), signal)
  return snapshot
}

/** Stops the server and puts its data directory back to a snapshot, as a volume restored from a backup. */
export async function rollBackVolume(server: PostgresServer, snapshot: string, signal?: AbortSignal): Promise<void> {
  await removeVolume(server, signal)
  await copyFolder(join(snapshot, 'data'), server.dataDir, signal)
}

/** Makes the server, which need not exist yet, a streaming standby of the running `primary`, which is not stopped. */
export async function becomeStandby(
  server: PostgresServer,
  primary: PostgresServer,
  signal?: AbortSignal,
): Promise<void> {
  await removeVolume(server, signal)
  const { user } = server.spec
  const session = await primary.connect({ database: 'postgres' })
  try {
    await session.query('select pg_catalog.pg_backup_start($1, true)', [server.name])
    await copyFolder(primary.dataDir, server.dataDir, signal)
    const { rows } = await session.query<{ labelfile: string }>(
      'select labelfile from pg_catalog.pg_backup_stop(false)',
    )
    await writeOwnedFile(join(server.dataDir, 'backup_label'), rows[0]?.labelfile ?? '', 0o600, user)
  } finally {
    await session.end()
  }
  await rm(join(server.dataDir, 'postmaster.pid'), { force: true })
  await writeOwnedFile(join(server.dataDir, 'standby.signal'), '', 0o600, user)
  const conninfo = `host=${primary.host} port=${primary.port} user=postgres application_name=${server.name}`
  await appendFile(join(server.dataDir, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`)
}

async function removeVolume(server: PostgresServer, signal?: AbortSignal): Promise<void> {
  await server.stop('immediate', signal)
  removeSharedMemory(server.dataDir, server.spec.user)
  await rm(server.dataDir, { recursive: true, force: true })
}

async function whileStopped(server: PostgresServer, action: () => Promise<void>, signal?: AbortSignal): Promise<void> {
  const ran = server.pid !== undefined
  await server.stop('fast', signal)
  await action()
  if (ran) await server.start({}, signal)
}
