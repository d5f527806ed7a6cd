// How full the volumes are on which PostgreSQL lives, as far as they are mounted here.
import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { gauge } from '../collection.ts'
import type { HostCollection, Row } from '../collection.ts'
import type { ProbePaths } from '../probe.ts'

/** A folder that lies on a volume, by the volume's name. */
type Folder = readonly [volume: string, path: string]

/** The folder's volume; undefined where it cannot be seen. */
async function deviceOf(path: string): Promise<number | undefined> {
  return await stat(path).then(
    ({ dev }) => dev,
    () => undefined,
  )
}

async function space(path: string): Promise<Row> {
  try {
    const { bsize, blocks, bavail, files, ffree } = await statfs(path)
    // A file system that makes them as it needs them says 0.
    const counted = files > 0
    return {
      size: bsize * blocks,
      available: bsize * bavail,
      files: counted ? files : undefined,
      filesFree: counted ? ffree : undefined,
    }
  } catch {
    return {}
  }
}

/** A row of each volume; one that several folders lie on is told under the first of them. */
export async function volumeRows(folders: readonly Folder[]): Promise<readonly Row[]> {
  const told = new Set<number>()
  const rows: Row[] = []
  // One after the other, so that a volume that hangs keeps one thread.
  for (const [volume, path] of folders) {
    const device = await deviceOf(path)
    if (device === undefined || told.has(device)) continue
    told.add(device)
    rows.push({ volume, ...(await space(path)) })
  }
  return rows
}

const labels = ['volume']

/** Space and files of each volume. */
export function volumes({ data, log }: ProbePaths): HostCollection<'host.volumes'> {
  const folders: readonly Folder[] = [
    ...(data === undefined ? [] : [['data', data] as const, ['wal', join(data, 'pg_wal')] as const]),
    ...(log === undefined ? [] : [['log', log] as const]),
    ['shm', '/dev/shm'],
  ]
  return {
    name: 'host.volumes',
    help: 'Space on the volumes of data, WAL, log and shared memory, each where it is visible here and a volume of its own.',
    onVolume: true,
    interval: 30_000,
    rows: async () => await volumeRows(folders),
    families: [
      gauge('citus_sidecar_volume_size_bytes', 'Size of the volume.', 'size', labels),
      gauge(
        'citus_sidecar_volume_available_bytes',
        'Space that PostgreSQL, which is not root, can still use.',
        'available',
        labels,
      ),
      gauge(
        'citus_sidecar_volume_files',
        'Files the volume can have; no sample where there is no limit.',
        'files',
        labels,
      ),
      gauge('citus_sidecar_volume_files_free', 'Files it can still have.', 'filesFree', labels),
    ],
  }
}
