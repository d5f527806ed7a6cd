// The lease of a pool hold, in a file: written before the first PAUSE, so that whoever starts next knows what to resume and when.
// PgBouncer stays paused when the one who paused it is gone; this file is what ends that.
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { replaceFile } from '../../probes/replace-file.ts'

/** Which databases are paused for which hold, and until when. */
export interface Lease {
  readonly holdId: string
  /** Wall clock, milliseconds since 1970. */
  readonly endsAt: number
  readonly databases: readonly string[]
  /** The trace in which it was asked for, if any. */
  readonly traceparent?: string | null | undefined
}

/** What lies in the run directory. `over`: nobody may stay paused for it; without databases where nobody can say which. */
export type LeaseFound =
  | { readonly state: 'none' }
  | { readonly state: 'valid'; readonly lease: Lease }
  | { readonly state: 'over'; readonly why: string; readonly databases: readonly string[] | undefined }

const schema = z.object({
  holdId: z.uuid(),
  endsAt: z.number(),
  databases: z.array(z.string()),
  traceparent: z.string().nullish(),
})

function path(runDir: string): string {
  return join(runDir, 'pool-lease.json')
}

/** Reads the lease; `longest` is the longest hold in milliseconds: one that would last longer was not written by this clock. Never throws. */
export async function readLease(runDir: string, now: number, longest: number): Promise<LeaseFound> {
  let text: string
  try {
    text = await readFile(path(runDir), 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'none' }
    return { state: 'over', why: `the lease file cannot be read (${String(code)})`, databases: undefined }
  }
  const lease = parse(text)
  if (lease === undefined) return { state: 'over', why: 'the lease file is garbage', databases: undefined }
  const { databases } = lease
  if (lease.endsAt <= now) return { state: 'over', why: 'the lease has ended', databases }
  if (lease.endsAt > now + longest) return { state: 'over', why: 'the lease would end too late', databases }
  return { state: 'valid', lease }
}

function parse(text: string): Lease | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Writes the lease; readers see the old or the new one, never half. @throws the file system's error. */
export async function writeLease(runDir: string, lease: Lease): Promise<void> {
  const file = path(runDir)
  await mkdir(dirname(file), { recursive: true })
  await replaceFile(file, JSON.stringify(lease))
}

/** Removes the lease, whatever lies there. @throws the file system's error. */
export async function removeLease(runDir: string): Promise<void> {
  await rm(path(runDir), { recursive: true, force: true })
}
