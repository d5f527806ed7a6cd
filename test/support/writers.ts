// Writers on a distributed table that never rest: what failed, how many rows went in, and the longest that a transaction took.
import type { Client } from 'pg'
import type { LocalNode } from '../../deploy/local/local-node.ts'

/** Sessions that insert rows until they are stopped: each in a statement of its own, or several in a transaction. */
export class Writers implements AsyncDisposable {
  readonly failures: string[] = []
  /** Rows that were acknowledged. */
  done = 0
  /** The longest transaction, milliseconds. */
  longest = 0
  #stopped = false
  #loops: readonly Promise<void>[] = []

  /** Four sessions through each of these nodes, with `rows` rows a transaction; only keys from `keys`. */
  static async start(nodes: readonly LocalNode[], table: string, keys: readonly number[], rows = 1): Promise<Writers> {
    const writers = new Writers()
    const sessions = await Promise.all(
      nodes.flatMap((node) => Array.from({ length: 4 }, async () => await node.postgres.connect())),
    )
    writers.#loops = sessions.map(async (session, index) => await writers.#work(session, table, keys, rows, index))
    return writers
  }

  /** Stops and returns once every session has ended its last insert. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  async #work(session: Client, table: string, keys: readonly number[], rows: number, offset: number): Promise<void> {
    for (let turn = offset; !this.#stopped; turn += rows) {
      const begun = performance.now()
      try {
        if (rows > 1) await session.query('begin')
        for (let row = 0; row < rows; row += 1)
          await session.query(`insert into ${table} values ($1)`, [keys[(turn + row) % keys.length]])
        if (rows > 1) await session.query('commit')
        this.done += rows
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
