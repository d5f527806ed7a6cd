// Clients of an application that never rests: which transactions failed, and which writes were acknowledged.
import { Client } from 'pg'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'

const kinds = ['write', 'read', 'count', 'transaction'] as const

type Kind = (typeof kinds)[number]

export interface LoadResult {
  readonly transactions: number
  readonly failures: readonly string[]
  /** Ids of rows whose insert was acknowledged. */
  readonly written: readonly number[]
  readonly longestMs: number
}

const clients = 8

/** Eight sessions over the given ports, in turn of each kind: single-row writes, single-row reads, multi-shard reads, transactions of several statements. */
export class Load {
  readonly #failures: string[] = []
  readonly #written: number[] = []
  #transactions = 0
  #longest = 0
  #stopped = false
  #nextId = 0
  #loops: readonly Promise<void>[] = []

  static async start(cluster: LocalCluster, ports: readonly number[], chosen: readonly Kind[] = kinds): Promise<Load> {
    const load = new Load()
    const sessions = await Promise.all(
      Array.from({ length: clients }, async (_, index) => await connect(cluster, ports[index % ports.length] ?? 0)),
    )
    // Half the index, so that every kind goes over every port.
    load.#loops = sessions.map(
      async (session, index) => await load.#work(session, chosen[(index >> 1) % chosen.length] ?? 'write'),
    )
    return load
  }

  get transactions(): number {
    return this.#transactions
  }

  async stop(): Promise<LoadResult> {
    this.#stopped = true
    await Promise.all(this.#loops)
    return {
      transactions: this.#transactions,
      failures: this.#failures,
      written: this.#written,
      longestMs: this.#longest,
    }
  }

  async #work(session: Client, kind: Kind): Promise<void> {
    while (!this.#stopped) {
      const begun = performance.now()
      this.#transactions += 1
      try {
        await this.#one(session, kind)
      } catch (error) {
        this.#failures.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`)
        await session.query('rollback').catch(() => undefined)
        // A session that broke fails for ever; one failure tells it.
        if (this.#failures.length > 100) break
      }
      this.#longest = Math.max(this.#longest, performance.now() - begun)
    }
    await session.end().catch(() => undefined)
  }

  async #one(session: Client, kind: Kind): Promise<void> {
    const id = this.#nextId++
    switch (kind) {
      case 'write': {
        await session.query('insert into load (id, n) values ($1, 0)', [id])
        this.#written.push(id)
        break
      }
      case 'read': {
        await session.query('select n from load where id = $1', [Math.floor(id / 2)])
        break
      }
      case 'count': {
        await session.query('select count(*) from load')
        break
      }
      case 'transaction': {
        await session.query('begin')
        await session.query('select n from load where id = $1', [Math.floor(id / 2)])
        await session.query('insert into load (id, n) values ($1, 1)', [id])
        await session.query('update load set n = n + 1 where id = $1', [id])
        await session.query('commit')
        this.#written.push(id)
        break
      }
    }
  }
}

async function connect(cluster: LocalCluster, port: number): Promise<Client> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password: cluster.passwords.postgres,
    database: cluster.record.database,
    ssl: false,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}
