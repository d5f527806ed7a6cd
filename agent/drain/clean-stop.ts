// After PostgreSQL has stopped: did it stop cleanly, and is WAL left that nobody archived. Read from its data directory, where that is mounted.
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { DrainTally } from './tally.ts'

/** How a server left its data directory. */
export interface Stop {
  readonly clean: boolean
  /** WAL segments that still wait for archive_command. */
  readonly unarchived: number
}

/** DBState in pg_control: DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY (https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_control.h). */
const cleanStates: ReadonlySet<number> = new Set([1, 2])
/** After the 64-bit system identifier and two 32-bit version numbers. */
const stateAt = 16

/** Reads it. @throws the file system's error, or where pg_control is too short. */
export async function readStop(dataDir: string): Promise<Stop> {
  const file = await open(join(dataDir, 'global', 'pg_control'))
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(stateAt + 4), 0, stateAt + 4, 0)
    if (bytesRead < stateAt + 4) throw new Error(`pg_control has only ${bytesRead} bytes`)
    // Servers write it in their own byte order; every platform there are images for is little-endian.
    const clean = cleanStates.has(buffer.readUInt32LE(stateAt))
    const waiting = await readdir(join(dataDir, 'pg_wal', 'archive_status'))
    return { clean, unarchived: waiting.filter((name) => name.endsWith('.ready')).length }
  } finally {
    await file.close()
  }
}

/** The stop as fields of an event; says so where it cannot be read. */
export async function describeStop(dataDir: string): Promise<Stop | { readonly unreadable: string }> {
  try {
    return await readStop(dataDir)
  } catch (error) {
    return { unreadable: reasonOf(error) }
  }
}

export interface StopWitness {
  readonly config: Config
  readonly report: Report
  readonly tally: DrainTally
}

/** Says and counts how the server stopped, where its data directory is visible. Never throws. */
export async function sayHowItStopped(operation: string, witness: StopWitness): Promise<void> {
  const { dataDir } = witness.config
  if (dataDir !== undefined) say(await describeStop(dataDir), { operation }, witness)
}

function say(
  stop: Awaited<ReturnType<typeof describeStop>>,
  details: Readonly<Record<string, string>>,
  { report, tally }: StopWitness,
): void {
  if ('clean' in stop) tally.stopped(stop)
  report('clean' in stop && !stop.clean ? 'drain.unclean' : 'drain.stopped', { ...details, ...stop })
}

/** Between two looks whether PostgreSQL has started, milliseconds. */
const pause = 1_000

/**
 * How the server stopped before this sidecar began, as its data directory says now: said once PostgreSQL has started after that, for
 * one that was running all the time has not stopped, and a clean stop shows itself in any case. Never throws.
 */
export async function sayHowItStoppedBefore(
  { clock, readings, ...witness }: StopWitness & { readonly clock: Clock; readonly readings: ReadingStore },
  signal: AbortSignal,
): Promise<void> {
  const { dataDir } = witness.config
  if (dataDir === undefined) return
  const began = clock.now()
  const found = await describeStop(dataDir)
  // Nothing is there yet on a new volume.
  if (!('clean' in found)) return
  for (;;) {
    const startedAt = readings.get('postgres.alive')?.value?.startedAt
    if (signal.aborted || witness.tally.lastStop !== undefined) return
    if (found.clean || (startedAt !== undefined && startedAt > began)) return say(found, {}, witness)
    if (startedAt !== undefined) return
    await clock.sleep(pause, signal)
  }
}
