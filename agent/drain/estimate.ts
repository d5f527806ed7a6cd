// How long phases of a drain would take now, from what a stop would cost; pure. Upper bounds where there is a choice: who plans a
// grace period wants to hear too much rather than too little.
import type { Archiver, StopCost } from '../../probes/postgres/stop-cost.ts'
import type { PhaseName } from './machine.ts'

export interface Estimate {
  readonly ms: number
  /** What it rests on, for a person. */
  readonly because: string
}

export type Estimates = Readonly<Partial<Record<PhaseName, Estimate>>>

/** What phase prepare does, apart: only the first has to be done twice within its time. Milliseconds. */
export interface PrepareCost {
  readonly checkpointMs: number
  /** undefined where nobody can say. */
  readonly archiveMs: number | undefined
}

const megabyte = 1_048_576
/**
 * What is written at least by a checkpoint that nobody slows down, bytes a millisecond: 64 MB/s, half of what a small cloud volume is
 * sold with. Checkpoints by the clock are spread over minutes, so a slow history says nothing about the volume; a faster one does.
 */
const assumedPace = (64 * megabyte) / 1_000
/** A history that is shorter is none, bytes: a few pages are written in no time. */
const historyFrom = 64 * megabyte
/** Less is no reason to think that archive_command hangs, milliseconds. */
const slow = 30_000
/** A session at rest is spared so long (clients.ts), milliseconds. */
const idleMs = 200

function paceOf({ checkpointBytes, checkpointMs }: StopCost): number {
  return checkpointBytes < historyFrom
    ? assumedPace
    : Math.max(checkpointBytes / Math.max(checkpointMs, 1), assumedPace)
}

/** Nothing is dirty that was not written to WAL since the last checkpoint, nor more than fits into the buffers. */
function dirtyBytes({ walBytes, sharedBuffersBytes }: StopCost): number {
  return Math.min(walBytes, sharedBuffersBytes)
}

/** Those that wait and the one that a drain closes; the one that is its turn may take as long again as it has taken. */
function archiveMsOf({ waiting, busyMs, segmentMs, failedMsAgo }: Archiver): number | undefined {
  // Who fails is not waited for.
  if (failedMsAgo !== undefined) return 0
  if (segmentMs === undefined && waiting === 0) return undefined
  return (waiting + 1) * Math.max(segmentMs ?? 0, busyMs)
}

/** The segment whose turn it is takes much longer than one usually does: more time would hardly help. */
export function archiverHangs({ archiver }: StopCost): boolean {
  if (archiver === undefined || archiver.failedMsAgo !== undefined) return false
  return archiver.busyMs > Math.max(slow, 2 * (archiver.segmentMs ?? 0))
}

/** Checkpoint and archiving as phase prepare would do them now. */
export function prepareCost(cost: StopCost): PrepareCost {
  const { archiver } = cost
  return {
    checkpointMs: dirtyBytes(cost) / paceOf(cost),
    archiveMs: archiver === undefined ? 0 : archiveMsOf(archiver),
  }
}

function prepare(cost: StopCost): Estimate {
  const { checkpointMs, archiveMs } = prepareCost(cost)
  const dirty = `at most ${(dirtyBytes(cost) / megabyte).toFixed(1)} MB to write`
  const { archiver } = cost
  const archive =
    archiver === undefined
      ? 'nothing to archive'
      : archiveMs === undefined
        ? 'how long archiving takes has not shown yet'
        : `WAL segments to archive: ${archiver.waiting + 1}`
  return { ms: checkpointMs + (archiveMs ?? 0), because: `${dirty}, ${archive}` }
}

/** What is written while prepare runs is what the second checkpoint finds. */
function flush(cost: StopCost, prepareMs: number): Estimate | undefined {
  if (cost.walBytesPerSecond === undefined) return undefined
  const bytes = Math.min((cost.walBytesPerSecond * prepareMs) / 1_000, cost.sharedBuffersBytes)
  const rate = `${(cost.walBytesPerSecond / megabyte).toFixed(1)} MB/s of WAL`
  return { ms: bytes / paceOf(cost), because: `as long as ${rate} go on` }
}

/** A transaction is expected to go on for as long as it has run. */
function drain({ clients, longest }: StopCost): Estimate {
  const who = longest === undefined ? 'none in a transaction' : `the longest transaction is that of ${longest.who}`
  return { ms: clients === 0 ? 0 : Math.max(idleMs, longest?.ms ?? 0), because: `clients: ${clients}, ${who}` }
}

/** The phases about which the server says something; `cost` undefined: it could not be asked. */
export function estimatePhases(cost: StopCost | undefined): Estimates {
  if (cost === undefined) return {}
  const first = prepare(cost)
  const second = flush(cost, first.ms)
  return {
    prepare: first,
    drain: drain(cost),
    settle: { ms: cost.preparedMs, because: `two-phase commits that are prepared: ${cost.prepared}` },
    ...(second === undefined ? {} : { flush: second }),
  }
}

/** The estimates alone, to be kept with a drain: what it then really took says how good they are. */
export function expectationsOf(cost: StopCost | undefined): Partial<Record<PhaseName, number>> {
  return Object.fromEntries(Object.entries(estimatePhases(cost)).map(([name, { ms }]) => [name, Math.round(ms)]))
}
