// Takes every connection slot of a server that is not reserved for superusers, as clients gone wild do.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'

/** Holds all slots, also those that others give back meanwhile, until it is disposed. */
export class TakenSlots implements AsyncDisposable {
  readonly #server: PostgresServer
  readonly #clients: Client[] = []
  readonly #stop = new AbortController()
  readonly #full = Promise.withResolvers<void>()
  readonly #done: Promise<void>

  private constructor(server: PostgresServer) {
    this.#server = server
    this.#done = this.#take()
    this.#done.catch((error: unknown) => this.#full.reject(error))
  }

  /** Connects until the server has no free slot. */
  static async take(server: PostgresServer): Promise<TakenSlots> {
    const slots = new TakenSlots(server)
    await slots.#full.promise
    return slots
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
    await Promise.all(this.#clients.map(async (client) => await client.end()))
  }

  async #take(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        this.#clients.push(await this.#server.connect({ user: 'citus_sidecar' }))
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error) || error.code !== '53300') throw error
        this.#full.resolve()
        await sleep(20, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}
