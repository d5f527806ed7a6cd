// One number of a family, as both text formats need it.

/** A span that fell into a bucket: its ids, its value, and when that was, milliseconds since 1970. */
export interface Exemplar {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly at: number
}

export interface Sample {
  /** Of a histogram: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string
  /** A number is a bound of a bucket. */
  readonly labels?: Readonly<Record<string, string | number>>
  readonly value: number
  readonly exemplar?: Exemplar | undefined
}
