// A port whose server is there and never takes a connection up, so that who connects hears nothing, as from a machine that is gone.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { reservePort } from '../../deploy/local/free-ports.ts'

const program = `
  const server = require('node:net').createServer()
  server.listen({ port: Number(process.argv[1]), host: '127.0.0.1', backlog: 1 }, () => console.log('listens'))`

export class SilentPort implements AsyncDisposable {
  readonly port: number
  readonly #child: ChildProcess
  readonly #sockets: readonly Socket[]
  readonly #release: () => void

  private constructor(port: number, child: ChildProcess, sockets: readonly Socket[], release: () => void) {
    this.port = port
    this.#child = child
    this.#sockets = sockets
    this.#release = release
  }

  /** Of 127.0.0.1; some connections to it already hang. */
  static async open(): Promise<SilentPort> {
    const reserved = await reservePort()
    const { port } = reserved
    const child = spawn(process.execPath, ['-e', program, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGSTOP')
    // Two are taken by the kernel for the server that does not come for them; from then on it answers nobody.
    const sockets = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
    return new SilentPort(port, child, sockets, () => reserved.release())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
    this.#release()
  }
}
