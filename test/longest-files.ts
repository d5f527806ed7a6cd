// In which order the test files of a run begin: the longest first, for one that begins last makes all cores but one wait.

/** Those that took longest when it was last looked. */
export const longest: readonly RegExp[] = [
  /\/e2e\/drain-(?:broken-off|killed|late|holders|volume|faults|ledger|poolers|numbers)/,
  /\/deploy\/local\/(?:cluster-command|demo)\./,
  // Whole clusters, one at least each.
  /\/e2e\//,
  /\/deploy\//,
]

/** The files in the order in which they are to begin. */
export function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string): number => {
    const found = longest.findIndex((pattern) => pattern.test(file))
    return found === -1 ? longest.length : found
  }
  return files.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}
