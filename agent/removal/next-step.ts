// What a removal needs next: a pure function of how it stands in the catalogs now, so that nothing is lost with who carries it out.
import type { removalOutcomes } from '../../exporters/removal.ts'

/** The background job of this removal. */
export type JobState = 'none' | 'active' | 'finished' | 'failed' | 'cancelled'

export interface Standing {
  /** A person took it back. */
  readonly cancelled: boolean
  /** Whether the node was to have shards before this removal; undefined until it was checked. */
  readonly hadShards: boolean | undefined
  /** The node's row; undefined when the coordinator has none. */
  readonly node: { readonly shouldHaveShards: boolean } | undefined
  /** Shards of distributed tables on the node. */
  readonly shards: number
  readonly job: JobState
  /** Another rebalance than this removal's goes on. */
  readonly otherJob: boolean
  /** How often the move was started. */
  readonly starts: number
  /** Whether the node's prepared transactions are settled everywhere; undefined while nobody has looked. */
  readonly settled: boolean | undefined
  /** Whether that has been waited for as long as it is. */
  readonly late: boolean
}

export type RemovalOutcome = (typeof removalOutcomes)[number]

export type Step =
  | { readonly do: 'check' | 'shards-off' | 'start' | 'watch' | 'settle' | 'drop' | 'stop' | 'shards-on' }
  /** Nothing can be done now. */
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'end'; readonly outcome: RemovalOutcome; readonly why: string }

/** A move that ends without error and leaves shards is started again so often: tables are made meanwhile. */
const mostStarts = 10

function end(outcome: RemovalOutcome, why: string): Step {
  return { do: 'end', outcome, why }
}

/** The next step. */
export function nextStep(now: Standing): Step {
  if (now.node === undefined) return afterwards(now)
  if (now.cancelled) return undo(now)
  if (now.hadShards === undefined) return { do: 'check' }
  if (now.job === 'active') return { do: 'watch' }
  if (now.shards > 0) return move(now, now.node.shouldHaveShards)
  if (now.settled === undefined) return { do: 'settle' }
  if (now.settled) return { do: 'drop' }
  return now.late ? end('failed', 'prepared transactions of this node do not come to an end') : { do: 'wait', why: '' }
}

/** The coordinator has forgotten the node. */
function afterwards({ cancelled, settled, late }: Standing): Step {
  if (settled === undefined) return { do: 'settle' }
  if (!settled && !late) return { do: 'wait', why: '' }
  return end('succeeded', cancelled ? 'it was removed before it could be cancelled' : '')
}

function undo({ job, node, hadShards }: Standing): Step {
  if (job === 'active') return { do: 'stop' }
  if (hadShards === true && node?.shouldHaveShards === false) return { do: 'shards-on' }
  return end('cancelled', 'shards that were moved stay where they are')
}

function move({ job, otherJob, starts }: Standing, shouldHaveShards: boolean): Step {
  if (shouldHaveShards) return { do: 'shards-off' }
  if (otherJob) return { do: 'wait', why: 'another rebalance goes on' }
  if (job === 'failed') return end('failed', 'the move failed')
  if (job === 'cancelled') return end('failed', 'somebody stopped the move')
  if (starts >= mostStarts) return end('failed', `shards are left after ${starts} moves`)
  return { do: 'start' }
}
