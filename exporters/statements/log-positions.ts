// How far each file of the log was read, on record, so that a reader that is started anew goes on there.
import { readText } from '../../probes/host/read-head.ts'
import { replaceFile } from '../../probes/replace-file.ts'

export interface FilePosition {
  readonly inode: string
  /** Where the first line begins that was not read, bytes. */
  readonly offset: number
  /** Its first bytes, base64: another file may come to have the inode, and a copy of this one another. */
  readonly beginning: string
}

/** Far above what is ever written, bytes. */
const mostBytes = 1_048_576

function isPosition(value: unknown): value is FilePosition {
  if (typeof value !== 'object' || value === null) return false
  const { inode, offset, beginning } = value as Partial<Record<keyof FilePosition, unknown>>
  return (
    typeof inode === 'string' && typeof beginning === 'string' && Number.isSafeInteger(offset) && Number(offset) >= 0
  )
}

/** What is on record of this folder; nothing where that cannot be read or understood. */
export async function loadPositions(path: string, folder: string): Promise<readonly FilePosition[]> {
  try {
    const record = JSON.parse(await readText(path, mostBytes)) as { folder?: unknown; files?: unknown } | null
    return record?.folder === folder && Array.isArray(record.files) ? record.files.filter(isPosition) : []
  } catch {
    return []
  }
}

/** Puts it on record. @throws the file system's error. */
export async function savePositions(path: string, folder: string, files: readonly FilePosition[]): Promise<void> {
  // The beginnings name users and databases.
  await replaceFile(path, JSON.stringify({ folder, files }), 0o600)
}
