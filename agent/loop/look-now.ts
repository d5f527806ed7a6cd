// For what a person asks: a probe's answer of now instead of that of its last round.
import type { ProbeName } from '../../probes/probe.ts'
import type { Clock } from './clock.ts'
import type { ReadingStore } from './readings.ts'

/** Between two looks whether it has come, milliseconds. */
const pause = 20

export interface LookOptions {
  readonly clock: Clock
  readonly readings: ReadingStore
  /** Makes a probe run now. */
  readonly look: (name: ProbeName) => void
}

/** Returns once a run of the probe has ended that began after now, after `patience` milliseconds, or as the signal aborts. @throws never. */
export async function lookNow(
  { clock, readings, look }: LookOptions,
  name: ProbeName,
  patience: number,
  signal: AbortSignal,
): Promise<void> {
  const asked = clock.now()
  look(name)
  while (!signal.aborted && clock.now() - asked < patience && (readings.get(name)?.begunAt ?? 0) < asked)
    await clock.sleep(pause, signal)
}
