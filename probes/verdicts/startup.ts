// May start-up end: PostgreSQL accepts or explicitly rejects connections; crash recovery counts as started.
import { acceptanceOf, acceptanceTexts } from '../postgres/acceptance.ts'
import type { AcceptanceState } from '../postgres/acceptance.ts'
import type { Readings } from '../probe.ts'
import { failed, ok, toVerdict, unknown } from './verdict.ts'
import type { Verdict } from './verdict.ts'

const notStarted: ReadonlySet<AcceptanceState> = new Set(['refused', 'frozen', 'failed'])

/** Started once the server says anything at all. */
export function startup(readings: Readings): Verdict {
  const alive = readings['postgres.alive']
  if (alive?.value !== undefined) return toVerdict([ok('postgres')])
  const connect = readings['postgres.connect']?.value
  const state = connect?.state ?? (alive?.error === undefined ? undefined : acceptanceOf(alive.error))
  if (state === undefined) return { ok: false, checks: [unknown('postgres', 'not asked yet')] }
  const { reason, action } = acceptanceTexts[state]
  const message = connect?.message ?? alive?.error?.message ?? ''
  const detail = [message, connect?.replaying === undefined ? '' : `replaying WAL file ${connect.replaying}`]
    .filter((part) => part !== '')
    .join(', ')
  const full = detail === '' ? reason : `${reason} (${detail})`
  return toVerdict([notStarted.has(state) ? failed('postgres', full, action) : ok('postgres', full)])
}
