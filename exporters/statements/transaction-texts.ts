// How often a text came before in its distributed transaction, counted on the node that sends and on the one that runs it: equal on both
// without any clock, because Citus sends one command after the other on a connection.
import { hash } from 'node:crypto'
import type { Place } from './statement.ts'

/** Counts texts by transaction; the oldest transactions are forgotten when there are more than `most` texts. */
export class TransactionTexts {
  /** By transaction and side: how often each text was seen, by its hash. */
  readonly #seen = new Map<string, Map<string, number>>()
  readonly #most: number
  #texts = 0

  constructor(most: number) {
    this.#most = most
  }

  /** The place of a text that came now. `side` is the server that it is sent to, or empty for what runs here. */
  place(transaction: string, side: string, text: string): Place {
    const key = `${side} ${transaction}`
    const texts = this.#seen.get(key) ?? new Map<string, number>()
    // What goes on stays, so that what is forgotten has ended.
    this.#seen.delete(key)
    this.#seen.set(key, texts)
    const digest = hash('sha1', text, 'base64')
    const nth = texts.get(digest) ?? 0
    texts.set(digest, nth + 1)
    if (nth === 0) this.#texts += 1
    this.#forget()
    return { transaction, nth }
  }

  #forget(): void {
    for (const [key, { size }] of this.#seen) {
      if (this.#texts <= this.#most) return
      this.#seen.delete(key)
      this.#texts -= size
    }
  }
}
