// How long to wait before another attempt: exponential, capped, with full jitter.

export interface Backoff {
  /** Longest delay after the first failure, milliseconds. */
  readonly base: number
  /** Longest delay ever, milliseconds. */
  readonly cap: number
}

/** Milliseconds to wait after `failures` failures in a row, evenly spread over [0, min(cap, base * 2^(failures-1))] (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
export function delayOf(failures: number, backoff: Backoff, random: () => number): number {
  if (failures <= 0) return 0
  // 2^30 base units exceed any cap; the bound keeps the power finite.
  const longest = Math.min(backoff.cap, backoff.base * 2 ** Math.min(failures - 1, 30))
  return Math.round(random() * longest)
}
