// This node's server as a phase asks it: one that crashed and recovers under its postmaster is asked again as long as the phase lasts.
// That it is gone altogether is an event, which breaks the phase off.
import { acceptanceOf } from '../../probes/postgres/acceptance.ts'
import type { AcceptanceState } from '../../probes/postgres/acceptance.ts'
import type { Sql } from '../../probes/sql.ts'
import { sqlstate } from '../errors.ts'
import type { Clock } from '../loop/clock.ts'
import { describeError } from '../loop/describe.ts'

/** Between two tries, milliseconds. */
const pause = 100
const passing: ReadonlySet<AcceptanceState> = new Set(['starting', 'recovering', 'shutting-down'])

/** The server is about to accept connections again, or the connection broke under a query. */
function passes(error: unknown): boolean {
  const known = describeError(error)
  const state = acceptanceOf(known)
  return passing.has(state) || (state === 'failed' && sqlstate(known) === undefined)
}

/** The same server, with patience until the signal aborts; every query may run again. */
export function patientSql(sql: Sql, clock: Clock, signal: AbortSignal): Sql {
  return {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      for (;;)
        try {
          return await sql.query<Row>(text, values)
        } catch (error) {
          if (signal.aborted || !passes(error)) throw error
          await clock.sleep(pause, signal)
        }
    },
  }
}
