// How often each of a few words was met, such as an SQLSTATE: the first ones by themselves, the rest as one.

export const otherWord = 'other'

/** Counts of at most `most` words, and of `other`. */
export class WordCounts {
  readonly #most: number
  /** Made when there is a word, for most statements have none. */
  #counts: Map<string, number> | undefined

  constructor(most: number) {
    this.#most = most
  }

  add(word: string, times = 1): void {
    const counts = (this.#counts ??= new Map())
    const key = counts.has(word) || counts.size < this.#most ? word : otherWord
    counts.set(key, (counts.get(key) ?? 0) + times)
  }

  merge(other: WordCounts): void {
    other.#counts?.forEach((times, word) => this.add(word, times))
  }

  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts ?? [])
  }
}
