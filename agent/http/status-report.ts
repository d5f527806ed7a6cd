// The shape of /status: names are API.
import type { Snapshot } from '../../exporters/exporter.ts'
import type { Readings } from '../../probes/probe.ts'
import type { Join, Maintenance, Verdict } from '../../probes/verdicts/verdict.ts'
import type { Finding } from '../cluster/findings.ts'
import type { Member } from '../cluster/ledger.ts'
import type { Flip } from '../verdict-keeper.ts'

/** Times in milliseconds since 1970. */
export interface StatusReport {
  readonly node: {
    readonly name: string
    readonly role: string
    readonly host: string
    readonly port: number
    readonly version: string
  }
  readonly now: number
  readonly startedAt: number
  readonly live: Verdict
  readonly ready: Verdict
  readonly started: Verdict
  readonly join: Join
  /** Why this node has not joined; null when it has. */
  readonly finding: Finding | null
  readonly maintenance: Maintenance
  readonly listening: { readonly up: boolean; readonly reason: string | undefined }
  /** The last 50 changes of verdicts, oldest first. */
  readonly flips: readonly Flip[]
  readonly members: readonly Member[]
  readonly readings: Readings
  /** Problems in the files of own queries, which the log and `citus-sidecar config` list; left out where there are to be none. */
  readonly queriesWrong?: number | undefined
  /** What a pooler holds now; left out while it holds nothing, and by all others. */
  readonly holding?: {
    readonly holdId: string
    readonly endsAt: number
    readonly databases: readonly string[]
    /** Whether no transaction runs any more. */
    readonly paused: boolean
  }
}

/** The report of a snapshot: what is for metrics alone is left out. */
export function reportOf(
  snapshot: Snapshot,
  more: Pick<StatusReport, 'startedAt' | 'finding' | 'listening' | 'flips' | 'members'>,
): StatusReport {
  const { probes: _probes, listening: _up, restarts: _starts, statements: _statements, ...others } = snapshot
  const { leaving: _figures, removal: _removal, lost: _lost, ...rest } = others
  return { ...rest, ...more }
}
