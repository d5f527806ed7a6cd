// Writers on a distributed table that never rest: what failed, how many rows went in, and the longest that one waited.
import type { Client } from 'pg'
import type { LocalNode } from '../../deploy/local/local-node.ts'

/** Sessions that insert one row after the other, each in a statement of its own, until they are stopped. */
export class Writers implements AsyncDisposable {
  readonly failures: string[] = []
  /** Inserts that were acknowledged. */
  done = 0
  /** The longest insert, milliseconds. */
  longest = 0
  #stopped = false
  #loops: readonly Promise<void>[] = []

  /** Writes through each of these nodes; only keys from `keys`. */
  static async start(nodes: readonly LocalNode[], table: string, keys: readonly number[], count = 4): Promise<Writers> {
    const writers = new Writers()
    const sessions = await Promise.all(
      nodes.flatMap((node) => Array.from({ length: count }, async () => await node.postgres.connect())),
    )
    writers.#loops = sessions.map(async (session, index) => await writers.#work(session, table, keys, index))
    return writers
  }

  /** Stops and returns once every session has ended its last insert. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  async #work(session: Client, table: string, keys: readonly number[], offset: number): Promise<void> {
    for (let turn = offset; !this.#stopped; turn += 1) {
      const begun = performance.now()
      try {
        await session.query(`insert into ${table} values ($1)`, [keys[turn % keys.length]])
        this.done += 1
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error))
        break
      }
      this.longest = Math.max(this.longest, performance.now() - begun)
    }
    await session.end().catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
