// Would restarting the sidecar help: its own event loop and scheduler, and nothing else; PostgreSQL never matters here.
import { ageText, failed, ok, toVerdict } from './verdict.ts'
import type { Verdict } from './verdict.ts'

/** A scheduler ticks at least every second; silent for this long it is wedged. Milliseconds. */
const wedgedAfter = 30_000

/** Alive unless the scheduler has been silent for half a minute; answering at all proves the event loop. */
export function liveness(schedulerTick: number, now: number): Verdict {
  const age = now - schedulerTick
  if (age <= wedgedAfter) return toVerdict([ok('scheduler')])
  return toVerdict([
    failed(
      'scheduler',
      `the scheduler last ran ${ageText(age)} ago`,
      'the kubelet restarts the sidecar; PostgreSQL is not touched',
    ),
  ])
}
