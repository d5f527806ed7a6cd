// One HTTP request to a sidecar, over its port or its control socket, on a connection of its own.

import { request } from 'node:http'

/** What came back. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** A request; `body` is sent as JSON. */
export interface HttpQuestion {
  readonly target: { readonly host: string; readonly port: number } | { readonly socketPath: string }
  readonly method?: string | undefined
  readonly path: string
  readonly body?: unknown
  /** Milliseconds until it gives up, 5000 unless told. */
  readonly timeout?: number | undefined
}

/** Asks once and returns the whole answer; rejects when there is none within the timeout. */
export function askHttp(question: HttpQuestion): Promise<HttpAnswer> {
  const { target, method = 'GET', path, body, timeout = 5000 } = question
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers =
      text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const asked = request(
      // No agent: a kept connection to a sidecar that was restarted would fail the next question.
      { ...target, method, path, headers, agent: false, signal: AbortSignal.timeout(timeout) },
      (response) => {
        let received = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (received += chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: received }),
        )
      },
    )
    asked.on('error', reject)
    asked.end(text)
  })
}
