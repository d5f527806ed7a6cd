// One connection on which a test writes whatever bytes it likes and sees all that comes back until the other side ends it.
import { connect, type Socket } from 'node:net'

/** What came back, and how it ended. */
export interface RawAnswer {
  readonly text: string
  /** The status of every answer in it, in order. */
  readonly statuses: readonly number[]
  /** Whether the server ended the connection; else the deadline did. */
  readonly closed: boolean
  /** How long the connection lasted, milliseconds. */
  readonly lasted: number
}

/**
 * Connects, lets `write` send what it wants, and waits until the server has closed the connection or `deadline`
 * (milliseconds) is over. A reset is a close like any other: what was received before it is returned.
 */
export async function exchange(port: number, write: (socket: Socket) => void, deadline = 10_000): Promise<RawAnswer> {
  const begun = performance.now()
  const socket = connect({ port, host: '127.0.0.1' })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  socket.on('error', () => undefined)
  socket.on('close', () => resolve(true))
  const timer = setTimeout(() => resolve(false), deadline)
  socket.once('connect', () => write(socket))
  const closed = await promise
  clearTimeout(timer)
  socket.destroy()
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
  return { text, statuses, closed, lasted: performance.now() - begun }
}
