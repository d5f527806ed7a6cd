// HTTP from the benchmark's side: one request with its status, and waiting for a status with the time it took.
import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const sockets = new Agent({ keepAlive: true, maxSockets: 64 })

/** The status of one GET, 0 when nobody answers; a request that hangs for 5 s counts as that. */
export async function statusOf(url: string): Promise<number> {
  return await new Promise((resolve) => {
    const request = get(url, { agent: sockets, timeout: 5_000 }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode ?? 0))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(0))
  })
}

/** Milliseconds from `since` (performance.now()) until a condition holds. @throws after 90 s. */
export async function timeUntil(what: string, since: number, holds: () => Promise<boolean>): Promise<number> {
  while (!(await holds())) {
    if (performance.now() - since > 90_000) throw new Error(`${what}: not within 90 s`)
    await delay(4)
  }
  return performance.now() - since
}
