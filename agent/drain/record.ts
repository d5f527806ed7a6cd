// A drain as it is kept in the run directory, so that a restarted sidecar joins it instead of beginning another.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { acceptanceOf } from '../../probes/postgres/acceptance.ts'
import type { ReadingStore } from '../loop/readings.ts'
import { replaceFile } from '../../probes/replace-file.ts'
import { expectationsOf } from './estimate.ts'
import { phaseNames } from './machine.ts'
import { causes } from './plan.ts'
import type { DrainView } from './view.ts'

/** One phase, as it is kept. */
export const phaseSchema = z.object({
  name: z.enum(phaseNames),
  state: z.enum(['running', 'done', 'failed', 'skipped']),
  reason: z.string(),
  tookMs: z.number(),
  /** Milliseconds since 1970; a sidecar of the version before does not note it. */
  began: z.number().optional(),
})

const schema = z.object({
  id: z.uuid(),
  state: z.enum([...phaseNames, 'done', 'down', 'back']),
  cause: z.enum(causes),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  endsAt: z.number(),
  /** The server's run that is to end, by its start; and who it is. */
  run: z.number().nullable(),
  systemIdentifier: z.string().nullable(),
  phases: z.array(phaseSchema),
  /** A hold was asked for and not yet released; it ends by itself at this time, milliseconds since 1970. */
  holdUntil: z.number().nullable(),
  heldAt: z.number().nullable(),
  cancelled: z.boolean(),
  /** Nothing is left to do after the return; a sidecar of the version before does not note it. */
  settled: z.boolean().optional(),
  /** What phases were expected to take when the drain began, milliseconds. */
  expected: z.partialRecord(z.enum(phaseNames), z.number()).optional(),
  kept: z.unknown().optional(),
  /** Of its trace, where traces are on. */
  traceparent: z.string().optional(),
})

export type DrainRecord = z.infer<typeof schema>

function path(runDir: string): string {
  return join(runDir, 'drain.json')
}

/** The drain that was going on; undefined when none was, or when the file is not one of ours. */
export async function loadRecord(runDir: string): Promise<DrainRecord | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path(runDir), 'utf8')))
  } catch {
    return undefined
  }
}

/** @throws the file system's error. */
export async function saveRecord(runDir: string, record: DrainRecord): Promise<void> {
  await replaceFile(path(runDir), JSON.stringify(record))
}

/** A drain that begins now, of the server that the readings show; a server that does not run need not be drained. */
export function newRecord(now: number, lasts: number, readings: ReadingStore): DrainRecord {
  const alive = readings.get('postgres.alive')
  return {
    id: randomUUID(),
    state: alive?.error !== undefined && acceptanceOf(alive.error) === 'refused' ? 'down' : 'cause',
    cause: 'pod-deletion',
    startedAt: now,
    endsAt: now + lasts,
    run: alive?.value?.startedAt ?? null,
    systemIdentifier: readings.get('postgres.identity')?.lastGood?.value.systemIdentifier ?? null,
    phases: [],
    holdUntil: null,
    heldAt: null,
    cancelled: false,
    settled: false,
    expected: expectationsOf(readings.get('postgres.stop-cost')?.lastGood?.value),
  }
}

/** What a drain that is over has left undone, one sentence each. */
export function leftUndone({ phases }: Pick<DrainRecord, 'phases'>): readonly string[] {
  // Of a server that did not run nothing was asked.
  if (phases.length === 0) return []
  const begun = new Set(phases.map(({ name }) => name))
  const missing = phaseNames.filter((name) => !begun.has(name))
  return [
    ...phases
      .filter(({ state }) => state === 'failed' || state === 'running')
      .map(({ name, reason }) => `${name}: ${reason === '' ? 'it did not end' : reason}`),
    ...(missing.length > 0 ? [`not begun: ${missing.join(', ')}`] : []),
  ]
}

/** The drain as it is shown. */
export function viewOf(record: DrainRecord): DrainView {
  const over = record.state === 'done' || record.state === 'down' || record.state === 'back'
  const undone = leftUndone(record)
  const reason = record.cancelled ? 'cancelled by a person' : undone.join('; ')
  const end = over ? { ok: undone.length === 0 && !record.cancelled, reason } : undefined
  return { id: record.id, phases: record.phases, end }
}
