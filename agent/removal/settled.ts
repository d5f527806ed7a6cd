// Whether a node's prepared transactions are settled: what is left of it elsewhere after its removal, nobody brings to an end.
import { countText } from './amounts.ts'
import type { Removal } from './removal-ledger.ts'
import type { Prepared } from './survey.ts'

/** A transaction that is being committed is prepared for moments; one that is so for longer is stuck, seconds. */
const stuckAfter = 5
/** How long is waited for stuck ones while the node is there, and once it is gone, milliseconds. */
const patience = { there: 600_000, gone: 60_000 } as const
/** Shards that were moved are dropped by Citus' daemon within a quarter of a minute; where it does not, the removal goes on, milliseconds. */
const dropPatience = 120_000

export interface Settling {
  readonly settled: boolean
  /** It was waited for as long as it is. */
  readonly late: boolean
  /** What it waits for; empty when for nothing. */
  readonly why: string
}

/** Judges what was found on all nodes. */
export function judgeSettling(
  { left, silent }: Prepared,
  { nodeId, node, leftovers, phaseMs }: Pick<Removal, 'nodeId' | 'node' | 'leftovers' | 'phaseMs'>,
): Settling {
  const stuck = left.filter(({ age }) => age >= stuckAfter).map(({ gid, where }) => `${gid} on ${where}`)
  // What it says of itself does not matter: it goes.
  const unknown = silent
    .filter((one) => one.nodeId !== nodeId)
    .map(({ where, reason }) => `${where} does not say (${reason})`)
  const answers = silent.length === unknown.length
  const drops = node !== null && answers && leftovers > 0 && phaseMs < dropPatience
  const late = phaseMs >= (node === null ? patience.gone : patience.there)
  const why = [
    ...(stuck.length === 0 ? [] : [`prepared transactions wait for this node: ${stuck.slice(0, 20).join(', ')}`]),
    ...unknown,
    ...(drops ? [`${countText(leftovers, 'shard')} moved away and still to be dropped on it`] : []),
  ].join('; ')
  return { settled: stuck.length === 0 && unknown.length === 0 && !drops, late, why }
}
