// The configuration files of one throw-away server: settings, who may log in how, and its passwords for other nodes.
// They lie beside the data directory, not in it, so that a volume can be emptied, copied and rolled back alone.

import { join } from 'node:path'
import { makeFolder, type ServerUser, writeOwnedFile } from './server-user.ts'
import type { ServerBinaries } from './binaries.ts'

/** The roles that log in over TCP and their passwords, in clear text. */
export interface Passwords {
  readonly postgres: string
  readonly citus_sidecar: string
}

/** What a server is made from; `folder` is absolute, free of symbolic links and short enough for a socket below it. */
export interface ServerSpec {
  readonly name: string
  readonly folder: string
  readonly port: number
  readonly binaries: ServerBinaries
  readonly user?: ServerUser | undefined
  readonly passwords: Passwords
  /** Database that queries go to unless told otherwise. */
  readonly database: string
}

/** The server with its mark and the settings that replace or add to the profile's. */
interface FilesSpec extends ServerSpec {
  readonly clusterName: string
  readonly settings: Readonly<Record<string, string>>
}

/** The paths below a server's folder. */
export function serverPaths(folder: string) {
  return {
    dataDir: join(folder, 'data'),
    socketDir: join(folder, 'socket'),
    logFile: join(folder, 'postgres.log'),
    settingsFile: join(folder, 'postgresql.conf'),
    hbaFile: join(folder, 'pg_hba.conf'),
    passFile: join(folder, 'passfile'),
    superuserPasswordFile: join(folder, 'superuser-password'),
  } as const
}

/** Makes the server's folder with everything that is not the data directory. */
export async function writeServerFiles(spec: FilesSpec): Promise<void> {
  const { folder, user, passwords } = spec
  const paths = serverPaths(folder)
  await makeFolder(folder, 0o755)
  await makeFolder(paths.socketDir, 0o755, user)
  await writeOwnedFile(paths.settingsFile, renderSettings(spec), 0o644)
  await writeOwnedFile(paths.hbaFile, HBA, 0o644)
  await writeOwnedFile(paths.superuserPasswordFile, `${passwords.postgres}\n`, 0o600, user)
  // libpq, dblink and Citus in the server look here for the password of the node they call.
  const lines = Object.entries(passwords).map(([role, password]) => `*:*:*:${role}:${password}\n`)
  await writeOwnedFile(paths.passFile, lines.join(''), 0o600, user)
}

const HBA = `# Anyone on this machine who reaches the socket; over TCP a password, as between pods.
local all         all              trust
local replication all              trust
host  all         all 127.0.0.1/32 scram-sha-256
host  all         all ::1/128      scram-sha-256
host  replication all 127.0.0.1/32 scram-sha-256
host  replication all ::1/128      scram-sha-256
`

/** The text of postgresql.conf. */
function renderSettings(spec: FilesSpec): string {
  const { binaries } = spec
  const settings: Record<string, string> = {
    listen_addresses: 'localhost',
    port: String(spec.port),
    unix_socket_directories: serverPaths(spec.folder).socketDir,
    cluster_name: spec.clusterName,
    ...PROFILE,
    ...(binaries.major >= 18 && { io_method: 'sync' }),
    ...(binaries.citus === 'citus' && CITUS_PROFILE),
    ...(binaries.standInDir !== undefined && { extension_control_path: `${binaries.standInDir}:$system` }),
    ...spec.settings,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('')
}

const PROFILE = {
  max_connections: '60',
  shared_buffers: '16MB',
  max_worker_processes: '16',
  // Citus asks for twice max_connections.
  max_prepared_transactions: '120',
  wal_level: 'logical',
  max_wal_senders: '10',
  max_replication_slots: '10',
  // A standby that is down for the length of a test still finds its WAL.
  wal_keep_size: '128MB',
  max_wal_size: '512MB',
  // Only a crash of the machine could lose what fsync and full pages protect, and that ends the test anyway.
  fsync: 'off',
  full_page_writes: 'off',
  jit: 'off',
  huge_pages: 'off',
  // In the data directory rather than /dev/shm: kill -9 then leaves nothing behind that outlives the folder.
  dynamic_shared_memory_type: 'mmap',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: '%m [%p] %q%u@%d %a ',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

const CITUS_PROFILE = {
  shared_preload_libraries: 'citus',
  // The servers here have no TLS; Citus' own default demands it.
  'citus.node_conninfo': 'sslmode=prefer',
  // Its daily report to the makers of Citus.
  'citus.enable_statistics_collection': 'off',
}
