// Which series of a family are told by themselves: the most important ones, without changing seats at every reading, for each change is a
// new series in everybody's database.

/** A series that is told stays until it is not even among so many times the limit; one among a half of the limit enters at once. */
const stays = 1.5
const enters = 0.5

export class SeriesBudget {
  readonly #limit: number
  #told: ReadonlySet<string> = new Set()

  /** At most `limit` series are told. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Those that are told of these, which come most important first and each once. */
  seat(keys: readonly string[]): ReadonlySet<string> {
    if (keys.length <= this.#limit) return (this.#told = new Set(keys))
    const first = keys.slice(0, Math.floor(this.#limit * enters))
    const staying = keys.slice(0, Math.ceil(this.#limit * stays)).filter((key) => this.#told.has(key))
    const seats = new Set<string>()
    for (const key of [...first, ...staying, ...keys]) {
      if (seats.size >= this.#limit) break
      seats.add(key)
    }
    return (this.#told = seats)
  }
}
