// One metric: name, help, labels and how a snapshot becomes samples. No data is no sample, never a zero.
import type { Snapshot } from '../exporter.ts'

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
  /** Which part of a histogram it is. */
  readonly part?: 'bucket' | 'sum' | 'count'
}

/** A gauge unless it says otherwise; names are API (docs/metrics.md). */
export interface Metric {
  readonly name: string
  readonly help: string
  readonly type?: 'counter' | 'histogram'
  /** Of a histogram those of its buckets. */
  readonly labels: readonly string[]
  samples(snapshot: Snapshot): readonly Sample[]
}

export function one(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ value }]
}

export function flag(value: boolean | undefined): readonly Sample[] {
  return one(value === undefined ? undefined : Number(value))
}

/** Samples of what is counted by words, such as reasons. */
export function byWord(label: string, counts: Readonly<Record<string, number>> | undefined): readonly Sample[] {
  return Object.entries(counts ?? {}).map(([word, value]) => ({ labels: { [label]: word }, value }))
}
