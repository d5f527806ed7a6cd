// The commands' side of the control socket.
import { join } from 'node:path'
import type { Config } from './config.ts'
import { reasonOf, SidecarError } from './errors.ts'

/** Longest wait for the sidecar's answer, milliseconds; accepting writes to two servers. */
const patience = 30_000

/** Where the sidecar of this configuration listens for commands. */
export function controlSocket(config: Pick<Config, 'runDir'>): string {
  return join(config.runDir, 'control.sock')
}

/** Asks the running sidecar. @throws SidecarError NO_SIDECAR when none answers, CONTROL_REFUSED when it refuses. */
export async function askSidecar<T>(
  config: Pick<Config, 'runDir'>,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  timeout = patience,
): Promise<T> {
  // Loaded when asked for: importing node:http loads Node's whole fetch as well, and the sidecar only wants the path above.
  const { request } = await import('node:http')
  const socketPath = controlSocket(config)
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const call = request(
    {
      socketPath,
      method,
      path,
      timeout,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    },
    (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', reject)
    },
  )
  call.on('timeout', () => call.destroy(new Error(`no answer within ${timeout} ms`)))
  call.on('error', reject)
  call.end(body === undefined ? undefined : JSON.stringify(body))
  let answer: { status: number; text: string }
  try {
    answer = await promise
  } catch (error) {
    throw new SidecarError(
      'NO_SIDECAR',
      `no sidecar answers on ${socketPath} (${reasonOf(error)}); is it running, and is CITUS_SIDECAR_RUN_DIR the same?`,
      { cause: error },
    )
  }
  const parsed = JSON.parse(answer.text) as T & { error?: string }
  if (answer.status >= 300) throw new SidecarError('CONTROL_REFUSED', parsed.error ?? `status ${answer.status}`)
  return parsed
}
