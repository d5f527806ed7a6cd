// The node is back: what was held for its restart is released, and the cluster compared with what it was.
import { reasonOf } from '../errors.ts'
import { releaseHold } from '../hold/hold-ledger.ts'
import { compareWithBefore } from './compare.ts'
import type { DrainOptions } from './drain-options.ts'
import { forgetStop } from './last-stop.ts'
import { letGo } from './let-go.ts'
import type { DrainRecord } from './record.ts'

type Options = Pick<DrainOptions, 'clock' | 'config' | 'ledger' | 'local' | 'report' | 'tally'>

/** Something is left to do after the return. */
export function owesReturn({ state, holdUntil, settled }: DrainRecord): boolean {
  return state === 'back' && (holdUntil !== null || settled === false)
}

/** Resolves with false where the hold is to be released at the next look. `since`: when the node came back. Never throws. */
export async function release(
  record: DrainRecord,
  since: number,
  options: Options,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock, config, ledger, report, tally } = options
  const { id: operation, holdUntil, systemIdentifier } = record
  if (holdUntil !== null) {
    const sql = ledger.sql({ timeout: config.statementTimeout, signal })
    try {
      const backFor = clock.now() - since
      if (record.cancelled) await releaseHold(sql, operation, 'cancelled')
      else if (!(await letGo({ ledger: sql, config, report }, { operation, systemIdentifier, backFor }))) return false
    } catch (error) {
      // Ends by itself; until then every look tries again.
      if (clock.now() < holdUntil) {
        report('hold.unreleased', { operation, reason: reasonOf(error) })
        return false
      }
    }
  }
  const waitedMs = record.heldAt === null ? 0 : clock.now() - record.heldAt
  tally.back(waitedMs)
  report('drain.back', { operation: record.id, waitedMs })
  return true
}

/** Says what is different from the state on record, which from then on is history. Never throws. */
export async function compare(record: DrainRecord, options: Options, signal: AbortSignal): Promise<void> {
  const { config, ledger, local, report } = options
  const bounds = { timeout: config.statementTimeout, signal }
  const plain = config.role === 'standalone'
  if (!record.cancelled) {
    const found = await compareWithBefore(record.kept, local.sql(bounds), !plain)
    if (found.length > 0) report('drain.different', { operation: record.id, differences: found })
  }
  if (record.kept !== undefined)
    await forgetStop(local.sql(bounds), plain ? undefined : ledger.sql(bounds), config.node)
  await local.close()
}
