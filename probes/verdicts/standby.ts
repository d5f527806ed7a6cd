// A standby is ready while it streams and its lag is small; with two thresholds, and patience while its primary restarts.
import { ageText, failed, ok, unknown, warning } from './verdict.ts'
import type { Check, NodeState } from './verdict.ts'
import type { Replication } from '../postgres/replication.ts'

export interface StandbyMemory {
  /** The lag was above the limit and has not yet come below half of it. */
  readonly lagging: boolean
  /** When it last streamed with a small lag, milliseconds since 1970. */
  readonly goodAt: number | undefined
}

const wait = 'wait, or look for long queries that hold up replay'

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`
}

/** Why nobody knows how far behind it is; undefined while the primary is heard. */
function cutOff(found: Replication): string | undefined {
  const { status, lagBytes, silentMs = 0, silenceAllowedMs = Number.POSITIVE_INFINITY } = found
  if (status !== 'streaming')
    return `the standby does not stream (WAL receiver: ${status ?? 'none'}), so its lag is unknown`
  if (lagBytes === undefined) return 'the primary has not said yet how much WAL there is, so the lag is unknown'
  if (silentMs > silenceAllowedMs)
    return `the primary has not been heard of for ${ageText(silentMs)} though the connection to it is open, so the lag is unknown`
  return undefined
}

/** The check, undefined on a primary. */
export function standbyCheck(
  state: NodeState,
  memory: StandbyMemory,
): { check: Check | undefined; memory: StandbyMemory } {
  const { now, readings, limits } = state
  const reading = readings['postgres.replication']
  if (readings['postgres.alive']?.value?.inRecovery !== true) return { check: undefined, memory }
  const found = reading?.value
  if (found === undefined) {
    const why = reading?.error?.message ?? 'not asked yet'
    // What was too far behind stays so until somebody has seen it caught up.
    if (memory.lagging)
      return { check: failed('replication', `replay was behind, and now nobody knows (${why})`, wait), memory }
    return { check: unknown('replication', why), memory }
  }
  const text = cutOff(found)
  const { lagBytes } = found
  if (text !== undefined || lagBytes === undefined) {
    // What was good is good until the primary was last heard of, not until somebody noticed its silence.
    const goodAt = memory.goodAt === undefined ? undefined : Math.min(memory.goodAt, now - (found.silentMs ?? 0))
    const since = goodAt === undefined || memory.lagging ? undefined : now - goodAt
    const action = 'look whether the primary runs and at primary_conninfo'
    const next = { lagging: memory.lagging, goodAt }
    if (since !== undefined && since <= limits.standbyGrace)
      return {
        check: warning('replication', `${text}; tolerated for ${ageText(limits.standbyGrace - since)} more`, action),
        memory: next,
      }
    return { check: failed('replication', text ?? '', action), memory: next }
  }
  const lagging = memory.lagging ? lagBytes > limits.standbyMaxLag / 2 : lagBytes > limits.standbyMaxLag
  if (lagging) {
    const why = found.replayPaused ? 'replay is paused' : 'replay is behind'
    const check = failed(
      'replication',
      `${why} by ${megabytes(lagBytes)}; allowed ${megabytes(limits.standbyMaxLag)}, ready again below half of it`,
      found.replayPaused ? 'run pg_wal_replay_resume()' : wait,
    )
    return { check, memory: { lagging, goodAt: memory.goodAt } }
  }
  return { check: ok('replication', `streaming, ${megabytes(lagBytes)} behind`), memory: { lagging, goodAt: now } }
}
