// Is PostgreSQL alive: does the held session answer, how fast, and in which mode is the server.
import type { Probe, ProbeLimits } from '../probe.ts'
import { acceptanceOf } from './acceptance.ts'
import type { AcceptanceState } from './acceptance.ts'

export interface Alive {
  readonly latencyMs: number
  readonly inRecovery: boolean
  /** Start of the postmaster, milliseconds since 1970. */
  readonly startedAt: number
}

const sql = `
  select pg_catalog.pg_is_in_recovery() as "inRecovery",
         (extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000)::float8 as "startedAt"`

/** How often the held session is asked, milliseconds. */
const interval = 1_000
/** A server that is about to come is awaited: nothing listening costs it nothing, a rejection is a line in its log. Milliseconds. */
const awaited: Partial<Record<AcceptanceState, number>> = { refused: 250, starting: 500, recovering: 500 }
/** Left for the reading to become a verdict before the limit is over, milliseconds. */
const margin = 500

/** The held session answers within the frozen limit. */
export function alive(limits: ProbeLimits): Probe<'postgres.alive'> {
  return {
    name: 'postgres.alive',
    help: 'Latency of a trivial query on the held session, recovery mode, start time.',
    session: 'verdict',
    interval,
    retry: (error) => awaited[acceptanceOf(error)],
    timeout: Math.max(limits.frozenAfter - interval - margin, 500),
    skip: () => undefined,
    read: async (context) => {
      const start = context.elapsed()
      const [row] = await context.sql.query<Omit<Alive, 'latencyMs'>>(sql)
      if (row === undefined) throw new Error('the server answered without a row')
      return { ...row, latencyMs: context.elapsed() - start }
    },
  }
}
