// WAL that waits to be archived, as PostgreSQL notes it in files: told also while the server is down or in recovery.
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gauge } from '../collection.ts'
import type { HostCollection, Row } from '../collection.ts'
import type { ProbePaths } from '../probe.ts'

/** Entries that are fetched at once; an archive that has been away for long leaves a hundred thousand. */
const bufferSize = 1_024
const ready = '.ready'

/** How many files wait, and since when the oldest does. @throws the signal's reason. */
export async function archiveRows(dataDir: string, signal: AbortSignal): Promise<readonly Row[]> {
  const folder = join(dataDir, 'pg_wal', 'archive_status')
  let segments = 0
  let oldest: string | undefined
  try {
    for await (const { name } of await opendir(folder, { bufferSize })) {
      signal.throwIfAborted()
      if (!name.endsWith(ready)) continue
      segments += 1
      // Names of WAL grow with it.
      if (oldest === undefined || name < oldest) oldest = name
    }
  } catch {
    signal.throwIfAborted()
    return []
  }
  return [{ segments, since: oldest === undefined ? undefined : await modified(join(folder, oldest)) }]
}

/** Seconds since 1970; undefined where the file has just gone. */
async function modified(path: string): Promise<number | undefined> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs / 1_000,
    () => undefined,
  )
}

/** What waits to be archived (https://www.postgresql.org/docs/current/continuous-archiving.html). */
export function archive({ data }: ProbePaths): HostCollection<'host.archive'> {
  return {
    name: 'host.archive',
    help: 'WAL files that wait to be archived, counted in the data directory.',
    where: { needs: { what: 'CITUS_SIDECAR_DATA_DIR', there: data !== undefined } },
    onVolume: true,
    interval: 30_000,
    rows: async (_context, signal) => (data === undefined ? [] : await archiveRows(data, signal)),
    families: [
      gauge('citus_sidecar_wal_ready_segments', 'WAL files that wait to be archived.', 'segments'),
      gauge(
        'citus_sidecar_wal_ready_oldest_timestamp_seconds',
        'When the first of these was ready, in seconds since 1970; no sample where none waits.',
        'since',
      ),
    ],
  }
}
