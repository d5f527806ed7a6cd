// One call of the Kubernetes API, bounded in time and size: https, the mounted authority, the mounted token.
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import * as z from 'zod'
import type { ApiAccess } from './access.ts'

/** An answer larger than this is not read, bytes; a pod has at most 1.5 MB and usually a hundredth of that. */
const largest = 2_097_152
/** Longest wait for a whole answer, milliseconds. */
const patience = 5_000

/** The API answered, and it was no success. */
export class ApiRefusal extends Error {
  override name = 'ApiRefusal'
  readonly status: number

  constructor(what: string, status: number, message: string) {
    super(`${what}: HTTP ${status}${message === '' ? '' : `, ${message}`}`)
    this.status = status
  }

  /** The token is not accepted, or may not do this. */
  get forbidden(): boolean {
    return this.status === 401 || this.status === 403
  }
}

/** How the API says no (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/). */
const statusSchema = z.object({ message: z.string() })

/** Reads one object. @throws ApiRefusal, or what network, TLS and time say. */
export async function get(access: ApiAccess, path: string, signal: AbortSignal): Promise<unknown> {
  return await call(access, 'GET', path, undefined, signal)
}

/** Creates one object. @throws as get(). */
export async function post(access: ApiAccess, path: string, body: object, signal: AbortSignal): Promise<unknown> {
  return await call(access, 'POST', path, JSON.stringify(body), signal)
}

async function call(
  { host, port, ca, token }: ApiAccess,
  method: 'GET' | 'POST',
  path: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  signal.throwIfAborted()
  const what = `${method} ${path}`
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  }
  // No connection is kept: calls are minutes apart, and the next one may have another token or authority.
  const asked = request({ host, port, method, path, ca, headers, agent: false }, resolve)
  asked.on('error', reject)
  let ended: Error | undefined
  const end = (why: Error): void => {
    ended ??= why
    asked.destroy(why)
  }
  const timer = setTimeout(() => end(new Error(`${what}: no answer within ${patience} ms`)), patience)
  const onAbort = (): void => end(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    asked.end(body)
    const answer = await promise
    const text = await textOf(answer, what)
    const status = answer.statusCode ?? 0
    if (status < 200 || status > 299) throw new ApiRefusal(what, status, messageOf(text))
    return JSON.parse(text)
  } catch (error) {
    // Why the connection was ended says more than that it ended.
    throw ended ?? error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    asked.destroy()
  }
}

async function textOf(answer: IncomingMessage, what: string): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > largest) throw new Error(`${what}: the answer is longer than ${largest} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function messageOf(text: string): string {
  try {
    return statusSchema.parse(JSON.parse(text)).message.slice(0, 500)
  } catch {
    return ''
  }
}
