// This node's server where it has no free slot left: asked on a connection that is held anyway, for a drain is what makes room there.
import type { Sql } from '../../probes/sql.ts'
import type { Config } from '../config.ts'
import { describeError } from '../loop/describe.ts'
import type { Session } from '../pg/session.ts'

/** Too many clients. */
const full = '53300'
/** Over the server's own limit: a connection that we gave up would be lost to whoever comes next, milliseconds. */
const grace = 1_000
const unending = new AbortController().signal

/** Asks `own`, and where there is no slot for it the held session. */
export function heldWhereFull(own: Sql, held: Session, { statementTimeout }: Config): Sql {
  const reserve = held.sql({ timeout: statementTimeout + grace, signal: unending })
  return {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      try {
        return await own.query<Row>(text, values)
      } catch (error) {
        if (describeError(error).code !== full) throw error
        return await reserve.query<Row>(text, values)
      }
    },
  }
}
