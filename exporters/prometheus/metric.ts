// One metric: name, help, labels and how a snapshot becomes samples. No data is no sample, never a zero.
import type { Snapshot } from '../exporter.ts'
import type { Sample } from './sample.ts'

/** A gauge unless it says otherwise; names are API (docs/metrics.md). Labels are those that a person looks for: `le` is not among them. */
export interface Metric {
  readonly name: string
  readonly help: string
  readonly type?: 'counter' | 'histogram'
  readonly labels: readonly string[]
  samples(snapshot: Snapshot): readonly Sample[]
}

export function one(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ value }]
}

export function flag(value: boolean | undefined): readonly Sample[] {
  return one(value === undefined ? undefined : Number(value))
}
