// The wall clock with fractions of a millisecond: Date.now() has none, and performance.now() does not follow the clock that PostgreSQL reads.

/** Both clocks in, milliseconds since 1970 with fractions out; never more than a millisecond from the first. */
export function wallClock(coarse: () => number, fine: () => number): () => number {
  // The true difference lies between the one that is seen and that plus the millisecond that was cut off.
  let difference = -Infinity
  return () => {
    const now = fine()
    const seen = coarse() - now
    difference = difference > seen + 1 ? seen : Math.max(difference, seen)
    return now + difference
  }
}
