// One GET to another node's sidecar, on a connection that is kept; what it says is bounded, and when it came is told.
import { Agent, request } from 'node:http'

export interface LinkReply {
  readonly status: number
  /** Seconds, as the header retry-after says. */
  readonly retryAfter: number | undefined
  readonly body: string
  /** By our clock, milliseconds since 1970. */
  readonly askedAt: number
  readonly answeredAt: number
}

export type LinkRequest = (url: string, signal: AbortSignal) => Promise<LinkReply>

/** Milliseconds. */
const timeout = 2_000
/** 32 answers are 8 KB, characters. */
const longest = 65_536

/** Asks on kept connections, one a peer; `now` is the wall clock with fractions. Each request rejects when there is no whole answer within two seconds. */
export function linkRequest(now: () => number): LinkRequest {
  // Less than the server keeps them, so that none ends while it is asked on.
  const agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: 10_000 })
  return async (url, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<LinkReply>()
    const asked = request(url, { agent, signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]) })
    let askedAt = now()
    // On a new connection the request goes out when that is there: what came before is no part of its way.
    asked.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (askedAt = now()))
      else askedAt = now()
    })
    asked.on('error', reject)
    asked.once('response', (response) => {
      const answeredAt = now()
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > longest) response.destroy(new Error('the answer is too long'))
      })
      response.on('error', reject)
      response.once('end', () => {
        const seconds = Number(response.headers['retry-after'])
        const retryAfter = Number.isFinite(seconds) ? seconds : undefined
        resolve({ status: response.statusCode ?? 0, retryAfter, body, askedAt, answeredAt })
      })
    })
    asked.end()
    return await promise
  }
}
