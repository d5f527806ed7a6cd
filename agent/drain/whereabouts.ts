// What the readings say about the server that is being drained: it went, it returned, or nothing new.
import { acceptanceOf } from '../../probes/postgres/acceptance.ts'
import type { Config } from '../config.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { DrainEvent } from './machine.ts'
import type { NodeKind } from './plan.ts'
import type { DrainRecord } from './record.ts'

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

/** What kind of node drains; a standby says so itself. */
export function kindOf({ config, readings }: { readonly config: Config; readonly readings: ReadingStore }): NodeKind {
  if (readings.get('postgres.alive')?.lastGood?.value.inRecovery === true) return 'standby'
  return config.role === 'pooler' ? 'standalone' : config.role
}
