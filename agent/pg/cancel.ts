// Asks a server, over a connection of its own, to cancel what another connection runs.
import { createConnection } from 'node:net'
import type { Address } from '../config.ts'

// https://www.postgresql.org/docs/current/protocol-message-formats.html, CancelRequest
const cancelCode = 80_877_102

/** Sends a cancel request; best effort and silent: the answer is the other connection's error. Ends within `timeout` milliseconds. */
export async function cancelQuery(
  address: Address,
  key: { processId: number; secret: number },
  timeout: number,
): Promise<void> {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(cancelCode, 4)
  message.writeInt32BE(key.processId, 8)
  message.writeInt32BE(key.secret, 12)
  const { host, port } = address
  const socket = host.startsWith('/') ? createConnection(`${host}/.s.PGSQL.${port}`) : createConnection(port, host)
  await new Promise<void>((resolve) => {
    socket.setTimeout(timeout, () => socket.destroy())
    socket.once('error', () => socket.destroy())
    socket.once('close', () => resolve())
    socket.end(message)
  })
}
