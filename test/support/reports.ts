// Keeps what is reported, for tests of parts that report.
import type { EventName, Report } from '../../agent/events.ts'

export interface Reported {
  readonly name: EventName
  readonly details: Readonly<Record<string, unknown>>
}

/** A report that keeps, and what it has kept. */
export function keepReports(): { readonly report: Report; readonly said: readonly Reported[] } {
  const said: Reported[] = []
  return { said, report: (name, details = {}) => void said.push({ name, details }) }
}
