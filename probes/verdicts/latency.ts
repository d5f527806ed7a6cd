// The optional latency threshold: a median over a window, with two thresholds, so that one slow answer flips nothing.
import { failed, ok } from './verdict.ts'
import type { Check, NodeState } from './verdict.ts'

export interface LatencyMemory {
  readonly slow: boolean
  /** The last latencies, oldest first, milliseconds. */
  readonly window: readonly number[]
  /** When the newest was taken, so that none counts twice. */
  readonly takenAt: number
}

const windowSize = 15

/** Median of a list; 0 of an empty one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** The check, undefined where no limit is set. */
export function latencyCheck(
  state: NodeState,
  memory: LatencyMemory,
): { check: Check | undefined; memory: LatencyMemory } {
  const limit = state.limits.maxLatency
  const reading = state.readings['postgres.alive']
  if (limit === undefined) return { check: undefined, memory }
  const fresh = reading?.value !== undefined && reading.takenAt !== memory.takenAt
  const window = fresh ? [...memory.window, reading.value.latencyMs].slice(-windowSize) : memory.window
  const typical = median(window)
  // Half a window, so that the first answers after a start decide nothing.
  const slow = window.length > windowSize / 2 && (memory.slow ? typical > limit / 2 : typical > limit)
  const next = { slow, window, takenAt: fresh ? reading.takenAt : memory.takenAt }
  const text = `median latency ${typical.toFixed(1)} ms of the last ${window.length} answers`
  return {
    check: slow
      ? failed(
          'latency',
          `${text}; allowed ${limit} ms, ready again below half of it`,
          'look at load, locks and the volume',
        )
      : ok('latency', text),
    memory: next,
  }
}
