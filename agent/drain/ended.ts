// A drain has ended, well or not: counted, and said in one event, from which Kubernetes hears of it too.
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import { interruptions } from './machine.ts'
import type { DrainEvent } from './machine.ts'
import type { DrainRecord } from './record.ts'
import { viewOf } from './record.ts'
import type { DrainTally } from './tally.ts'

interface Witness {
  readonly clock: Clock
  readonly report: Report
  readonly tally: DrainTally
}

/** Counts and says how a drain ended whose last phase was ended by `event`; returns its outcome. */
export function sayHowItEnded(record: DrainRecord, event: DrainEvent, { clock, report, tally }: Witness): string {
  const outcome = tally.ended(record)
  const reasons = [event === 'passed' ? '' : interruptions[event], record.cancelled ? '' : viewOf(record).end?.reason]
  report('drain.ended', {
    operation: record.id,
    outcome,
    reason: reasons.filter(Boolean).join('; '),
    tookMs: clock.now() - record.startedAt,
  })
  return outcome
}
