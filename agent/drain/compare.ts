// After the return: is the cluster what it was when the node stopped.
import type { Sql } from '../../probes/sql.ts'
import { reasonOf } from '../errors.ts'
import { differences, keptState, readStopState } from './stop-state.ts'

/** More than this nobody reads in one event. */
const most = 20

/** What differs from the state on record, one sentence each; empty when nothing does or nothing was kept. Never throws. */
export async function compareWithBefore(kept: unknown, local: Sql, citus: boolean): Promise<readonly string[]> {
  const before = keptState(kept)
  if (before === undefined) return []
  try {
    return differences(before, await readStopState(local, citus)).slice(0, most)
  } catch (error) {
    return [`the state could not be compared: ${reasonOf(error)}`]
  }
}
