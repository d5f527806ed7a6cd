// Backups by pgBackRest, as its own program tells of them; run only where a setting names it.
import { execFile } from 'node:child_process'
import { gauge } from '../collection.ts'
import type { HostCollection, Row } from '../collection.ts'
import type { ProbePaths } from '../probe.ts'

/** Thousands of backups have less, bytes. */
const maxBuffer = 16 * 1_048_576
/** The repository may be an object store, milliseconds. */
const timeout = 60_000

interface Database {
  readonly id?: number
  readonly 'repo-key'?: number
}

interface Backup {
  readonly type?: string
  readonly timestamp?: { readonly stop?: number }
  readonly error?: boolean | null
  readonly database?: Database
  readonly info?: { readonly size?: number | null; readonly repository?: { readonly size?: number | null } }
}

interface Archive {
  readonly min?: string | null
  readonly max?: string | null
  readonly database?: Database
}

/** What is read of it (https://pgbackrest.org/command.html#command-info); versions differ in what there is. */
interface Stanza {
  readonly name?: string
  readonly status?: { readonly code?: number }
  readonly backup?: readonly Backup[]
  readonly archive?: readonly Archive[]
}

/** Runs the program. @throws Error with what it said, or the signal's reason. */
async function info(program: string, signal: AbortSignal): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile(
      program,
      ['info', '--output=json'],
      { signal, maxBuffer, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else if (signal.aborted) reject(signal.reason as Error)
        else reject(new Error(`pgbackrest info: ${stderr.trim() || error.message}`.slice(0, 500)))
      },
    )
  })
}

/** The last one of each kind. */
function lastOf<T>(items: readonly T[], kind: (item: T) => string, order: (item: T) => number): ReadonlyMap<string, T> {
  return new Map(items.toSorted((a, b) => order(a) - order(b)).map((item) => [kind(item), item]))
}

const stopOf = ({ timestamp }: Backup): number => timestamp?.stop ?? 0
const repositoryOf = ({ database }: Backup | Archive): string => String(database?.['repo-key'] ?? 1)

function rowsOf({ name: stanza, status, backup = [], archive = [] }: Stanza): readonly Row[] {
  const last = backup.toSorted((a, b) => stopOf(a) - stopOf(b)).at(-1)
  return [
    // pgBackRest says null, or nothing, where nobody looked.
    { stanza, status: status?.code, error: typeof last?.error === 'boolean' ? Number(last.error) : undefined },
    ...[...lastOf(backup, ({ type }) => type ?? '', stopOf)].map(([type, { timestamp, info: about }]) => ({
      stanza,
      type,
      stop: timestamp?.stop,
      size: about?.size,
    })),
    ...[...lastOf(backup, repositoryOf, stopOf)].map(([repository, { info: about }]) => ({
      stanza,
      repository,
      repositorySize: about?.repository?.size,
    })),
    // The archive of the database's present version is the one with the highest number.
    ...[...lastOf(archive, repositoryOf, ({ database }) => database?.id ?? 0)].flatMap(([repository, { min, max }]) =>
      typeof min === 'string' && typeof max === 'string' ? [{ stanza, repository, min, max, archive: 1 }] : [],
    ),
  ]
}

/** Rows of each stanza. @throws Error with what the program said, or where it said something else than is known of it. */
export async function backupRows(program: string, signal: AbortSignal): Promise<readonly Row[]> {
  const answer: unknown = JSON.parse(await info(program, signal))
  if (!Array.isArray(answer)) throw new Error('pgbackrest info: no list of stanzas')
  return (answer as readonly Stanza[]).flatMap(rowsOf)
}

const labels = ['stanza']

/** Backups and archived WAL of pgBackRest. */
export function pgbackrest({ pgbackrest: program }: ProbePaths): HostCollection<'host.pgbackrest'> {
  return {
    name: 'host.pgbackrest',
    help: 'Backups and archived WAL, by `pgbackrest info`.',
    where: { needs: { what: 'CITUS_SIDECAR_PGBACKREST', there: program !== undefined } },
    interval: 600_000,
    timeout,
    rows: async (_context, signal) => (program === undefined ? [] : await backupRows(program, signal)),
    families: [
      gauge(
        'citus_sidecar_backup_last_timestamp_seconds',
        'When the last backup of this type (full, diff, incr) was done, in seconds since 1970.',
        'stop',
        ['stanza', 'type'],
        'min',
      ),
      gauge('citus_sidecar_backup_size_bytes', 'Size of the database in that backup.', 'size', ['stanza', 'type']),
      gauge(
        'citus_sidecar_backup_repository_size_bytes',
        'Size of the last backup in this repository, with those that it is built on.',
        'repositorySize',
        ['stanza', 'repository'],
      ),
      gauge(
        'citus_sidecar_backup_stanza_status',
        'What pgBackRest says of the stanza: 0 is well, 2 without a backup; its documentation has the others.',
        'status',
        labels,
        'max',
      ),
      gauge(
        'citus_sidecar_backup_error',
        'Whether the last backup found pages with a wrong checksum.',
        'error',
        labels,
        'max',
      ),
      gauge('citus_sidecar_backup_wal_info', 'First and last WAL segment in the archive; always 1.', 'archive', [
        'stanza',
        'repository',
        'min',
        'max',
      ]),
    ],
  }
}
