// What one benchmark is: a claim of ours with a target, measured on a cluster of its own.

/** One measured value against its target; where nothing is promised both are undefined, and the value is only told. */
export interface Result {
  readonly what: string
  readonly value: string
  readonly target: string | undefined
  readonly met: boolean | undefined
}

export interface Claim {
  readonly name: string
  /** How it is measured, for the report. */
  readonly how: string
  /** Runs with the sidecar's built main file. */
  run(agent: string): Promise<readonly Result[]>
}

/** The smallest value that at least this share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Milliseconds for people. */
export function ms(value: number): string {
  return value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`
}

/** A result whose worst value must stay below a limit, milliseconds. */
export function worstBelow(what: string, values: readonly number[], limit: number): Result {
  const worst = Math.max(...values)
  const value = `worst ${ms(worst)}, median ${ms(quantile(values, 0.5))} of ${values.length}`
  return { what, value, target: `< ${ms(limit)}`, met: worst < limit }
}
