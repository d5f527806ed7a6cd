// TCP ports that nobody else takes between the moment they are found and the moment a server listens on them, and
// while that server is down.

import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { LocalError } from './local-error.ts'

// Below the ports that Linux gives to outgoing connections (32768) and Kubernetes to NodePorts (30000).
const FIRST_PORT = 15_000
const LAST_PORT = 29_999

/** A port that is this process's until it is released or the process ends. */
export interface ReservedPort {
  readonly port: number
  release(): void
}

/**
 * Reserves a TCP port of localhost, IPv4 and IPv6.
 * @throws LocalError when a thousand random ports are all taken.
 */
export async function reservePort(): Promise<ReservedPort> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    // An abstract socket is a name that the kernel frees with its process; all launchers of the machine see it.
    const guard = await listen({ path: `\0citus-sidecar-local-port-${port}` })
    if (guard === 'taken') continue
    const release = (): void => void (guard === 'impossible' ? undefined : guard.close())
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) return { port, release }
    release()
  }
  throw new LocalError(`no free TCP port found between ${FIRST_PORT} and ${LAST_PORT}`)
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = await listen({ port, host })
  if (server === 'taken') return false
  if (server !== 'impossible') await new Promise((resolve) => server.close(resolve))
  return true
}

function listen(where: { path: string } | { port: number; host: string }): Promise<Server | 'taken' | 'impossible'> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' || error.code === 'EACCES' ? 'taken' : 'impossible'),
    )
    server.listen({ ...where, exclusive: true }, () => {
      server.unref()
      resolve(server)
    })
  })
}
