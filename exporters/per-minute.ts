// What may happen so often a minute.

const minute = 60_000

/** So many in each minute of the clock that it is told, milliseconds, and no more. */
export class PerMinute {
  readonly #limit: number
  #minute = 0
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether there is room for `count` more, which it takes then. */
  take(count: number, now: number): boolean {
    const current = Math.floor(now / minute)
    if (current !== this.#minute) this.#taken = 0
    this.#minute = current
    if (this.#taken + count > this.#limit) return false
    this.#taken += count
    return true
  }
}
