// What a pooler tells the ledger about itself, for people: whether it holds clients, how it pools, how long clients may wait in it.
import type { PooledDatabase } from '../../probes/pgbouncer/databases.ts'
import type { PoolerLimits } from '../../probes/pgbouncer/limits.ts'
import { ageText } from '../../probes/verdicts/verdict.ts'

/** A pooler as its sidecar sees it. */
export interface PoolerFacts {
  /** `pausing`: a hold stands, and transactions still run. */
  readonly state: 'serving' | 'pausing' | 'paused'
  readonly hold: {
    readonly id: string
    /** Its lease, milliseconds since 1970. */
    readonly endsAt: number
  } | null
  /** Databases that a hold pauses. */
  readonly databases: readonly string[]
  /** Pool modes of those databases, each once; empty while nobody can say. */
  readonly poolModes: readonly string[]
  /** Milliseconds; 0: clients wait for ever; null while nobody can say. */
  readonly queryWaitTimeout: number | null
}

/** Facts out of what is held and what was read. */
export function poolerFacts(state: {
  readonly holding:
    | { readonly lease: { readonly holdId: string; readonly endsAt: number }; readonly paused: boolean }
    | undefined
  readonly targets: readonly string[] | undefined
  readonly databases: readonly PooledDatabase[] | undefined
  readonly limits: PoolerLimits | undefined
}): PoolerFacts {
  const { holding, targets = [], databases = [], limits } = state
  const modes = databases
    .filter(({ name }) => targets.includes(name))
    .map(({ poolMode }) => poolMode ?? limits?.poolMode)
    .filter((mode) => mode !== undefined)
  return {
    state: holding === undefined ? 'serving' : holding.paused ? 'paused' : 'pausing',
    hold: holding === undefined ? null : { id: holding.lease.holdId, endsAt: holding.lease.endsAt },
    databases: targets,
    poolModes: [...new Set(modes)],
    queryWaitTimeout: limits?.queryWaitTimeout ?? null,
  }
}

/** One line for the table of the cluster. */
export function poolerText({ state, hold, databases, poolModes, queryWaitTimeout }: PoolerFacts): string {
  const modes = poolModes.length === 0 ? 'pool mode unknown' : `pools by ${poolModes.join(' and ')}`
  const wait =
    queryWaitTimeout === null
      ? 'query_wait_timeout unknown'
      : `query_wait_timeout ${queryWaitTimeout === 0 ? 'off' : ageText(queryWaitTimeout)}`
  const held =
    hold === null ? [] : [`${state} for hold ${hold.id}, at most until ${new Date(hold.endsAt).toISOString()}`]
  return [databases.length === 0 ? 'holds no database' : `holds ${databases.join(', ')}`, modes, wait, ...held].join(
    '; ',
  )
}
