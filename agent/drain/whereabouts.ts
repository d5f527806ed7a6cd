// What the readings say about the server that is being drained: it went, it returned, or nothing new.
import { acceptanceOf } from '../../probes/postgres/acceptance.ts'
import type { Config } from '../config.ts'
import type { Session } from '../pg/session.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { DrainEvent } from './machine.ts'
import type { NodeKind } from './plan.ts'
import type { DrainRecord } from './record.ts'

/** For one question to a server that may not be there, milliseconds. */
const timeout = 1_000

export function whereabouts(record: DrainRecord, readings: ReadingStore): DrainEvent | undefined {
  const alive = readings.get('postgres.alive')
  if (alive === undefined || record.state === 'back') return undefined
  if (alive.error !== undefined) return acceptanceOf(alive.error) === 'refused' ? 'gone' : undefined
  const run = alive.value?.startedAt
  if (run === undefined || run === record.run) return undefined
  // Somebody else's server behind this address must not get the traffic that waits: the lease then ends by itself.
  const identity = readings.get('postgres.identity')?.value
  if (identity?.startedAt !== run) return undefined
  const same = record.systemIdentifier === null || identity.systemIdentifier === record.systemIdentifier
  return same ? 'returned' : undefined
}

const whoSql = `
  select (extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000)::float8 as "startedAt",
         control.system_identifier::text as "systemIdentifier"
    from pg_catalog.pg_control_system() control`

/** Whether the server is back, asked of itself: while clients wait nobody waits for the next reading. */
export async function hasReturned(record: DrainRecord, local: Session, signal: AbortSignal): Promise<boolean> {
  try {
    const [who] = await local.query<{ startedAt: number; systemIdentifier: string }>(whoSql, [], { timeout, signal })
    return (
      who !== undefined &&
      who.startedAt !== record.run &&
      (record.systemIdentifier === null || who.systemIdentifier === record.systemIdentifier)
    )
  } catch {
    return false
  }
}

/** What kind of node drains; a standby says so itself. */
export function kindOf({ config, readings }: { readonly config: Config; readonly readings: ReadingStore }): NodeKind {
  if (readings.get('postgres.alive')?.lastGood?.value.inRecovery === true) return 'standby'
  return config.role === 'pooler' ? 'standalone' : config.role
}

/** How often what only time brings is looked at, milliseconds: oftener while clients wait for the server, hardly while no drain goes on. */
export function pauseFor(record: DrainRecord | undefined): number {
  if (record === undefined) return 60_000
  if (record.holdUntil === null) return record.state === 'back' ? 60_000 : 250
  return record.state === 'done' || record.state === 'down' || record.state === 'back' ? 50 : 250
}
