// Waits for a PostgreSQL that is on its way: tries again while it does not listen, starts, recovers, stops or is full.
import { acceptanceOf, acceptanceTexts } from '../../probes/postgres/acceptance.ts'
import type { AcceptanceState } from '../../probes/postgres/acceptance.ts'
import type { Clock } from '../loop/clock.ts'
import { describeError } from '../loop/describe.ts'

/** Between two tries, milliseconds: whoever waits is to begin as soon as the server does. Where nothing listens, a try costs nothing. */
const pauses: Partial<Record<AcceptanceState, number>> = { refused: 50 }
const pause = 250

/** What passes by itself; a refused login or a missing database does not. */
const passing: ReadonlySet<AcceptanceState> = new Set([
  'refused',
  'starting',
  'recovering',
  'shutting-down',
  'full',
  'frozen',
])

export interface Patience {
  readonly clock: Clock
  /** How long it is tried, milliseconds; 0: once. */
  readonly longest: number
  /** Told once for each thing that is waited for. */
  readonly onWait: (reason: string) => void
}

/** The result of the first attempt that the server lets in. @throws what the last attempt threw: time is up, or it would not pass. */
export async function untilAccepted<T>(
  attempt: () => Promise<T>,
  { clock, longest, onWait }: Patience,
  signal: AbortSignal,
): Promise<T> {
  const until = clock.now() + longest
  let told: AcceptanceState | undefined
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const met = describeError(error)
      const state = acceptanceOf(met)
      if (!passing.has(state) || signal.aborted || clock.now() >= until) throw error
      if (state !== told) onWait(`${acceptanceTexts[state].reason} (${met.message})`)
      told = state
      await clock.sleep(pauses[state] ?? pause, signal)
    }
  }
}
