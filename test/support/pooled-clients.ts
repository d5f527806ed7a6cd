// Clients behind a pooler that hardly rest: what failed, how many went through, and for how long nobody did.
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'

/** Milliseconds; one that was held is to show soon that it goes on. */
const longestRest = 20

/** A session behind a pooler, as the superuser; the caller ends it. */
export async function connectThrough(cluster: LocalCluster, pooler: LocalPooler): Promise<Client> {
  const client = new Client({
    host: '127.0.0.1',
    port: pooler.port,
    user: 'postgres',
    password: cluster.passwords.postgres,
    database: cluster.record.database,
    ssl: false,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Sessions that run one small transaction after the other until they are stopped. */
export class PooledClients implements AsyncDisposable {
  readonly failures: string[] = []
  /** Transactions that succeeded. */
  done = 0
  /** Longest time from a transaction's begin to its end, milliseconds. */
  longest = 0
  #stopped = false
  #loops: readonly Promise<void>[] = []

  /** `statement` is what each transaction does. */
  static async start(
    cluster: LocalCluster,
    pooler: LocalPooler,
    count = 4,
    statement = 'select pg_catalog.pg_backend_pid()',
  ): Promise<PooledClients> {
    const clients = new PooledClients()
    const sessions = await Promise.all(Array.from({ length: count }, async () => await connectThrough(cluster, pooler)))
    clients.#loops = sessions.map(async (session) => await clients.#work(session, statement))
    return clients
  }

  /** Stops and returns once every session has ended its last transaction. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  async #work(session: Client, statement: string): Promise<void> {
    while (!this.#stopped) {
      const begun = performance.now()
      try {
        // Two round trips: a transaction that a pause must let end.
        await session.query('begin')
        await session.query(statement)
        await session.query('commit')
        this.done += 1
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error))
        break
      }
      const took = performance.now() - begun
      this.longest = Math.max(this.longest, took)
      // As long without a transaction as in one: clients that take all of a core say nothing that these do not.
      await sleep(Math.min(took, longestRest))
    }
    await session.end().catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
