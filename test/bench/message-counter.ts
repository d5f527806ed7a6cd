// Stands between a sidecar and its PostgreSQL, passes everything on and counts what the sidecar sends.
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** A TCP proxy that counts. */
export class MessageCounter implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Pieces of data that came from the client; a query is at least one. */
  messages = 0

  private constructor(server: Server) {
    this.#server = server
  }

  /** Starts on a free port of 127.0.0.1 in front of a port of localhost. */
  static async start(target: number): Promise<MessageCounter> {
    const server = createServer({ noDelay: true })
    const counter = new MessageCounter(server)
    server.on('connection', (client) => counter.#pass(client, target))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return counter
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #pass(client: Socket, target: number): void {
    const server = connect({ host: 'localhost', port: target, noDelay: true })
    client.on('data', () => (this.messages += 1))
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        this.#sockets.delete(from)
      })
    }
  }
}
