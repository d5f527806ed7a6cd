// An application that asks for a span of every statement, one after the other, and knows which ones it asked for.
import assert from 'node:assert/strict'
import type { Client } from 'pg'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { application, callerOf } from './logged-cluster.ts'
import type { OtlpReceiver } from './otlp-receiver.ts'

export class AskingLoad implements AsyncDisposable {
  readonly #client: Client
  readonly #name: string
  readonly #asked: string[] = []
  #goesOn = true
  readonly #running: Promise<void>

  private constructor(client: Client, name: string) {
    this.#client = client
    this.#name = name
    this.#running = this.#run()
  }

  /** Statements go on until it is ended; `name` has at most six letters. */
  static async start(node: LocalNode, name: string): Promise<AskingLoad> {
    return new AskingLoad(await application(node, `load ${name}`), name)
  }

  async #run(): Promise<void> {
    while (this.#goesOn) {
      const { traceId, comment } = callerOf(`${this.#name}${String(this.#asked.length).padStart(8, '0')}`)
      this.#asked.push(traceId)
      await this.#client.query(`select ${this.#asked.length} ${comment}`)
    }
  }

  /** Waits until so many more have been asked for. */
  async goesOn(more = 100): Promise<void> {
    const wanted = this.#asked.length + more
    await eventually('statements go on', () => this.#asked.length >= wanted)
  }

  /** Ends, and returns which traces were asked for. */
  async end(): Promise<readonly string[]> {
    this.#goesOn = false
    await this.#running
    return this.#asked
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end().catch(() => undefined)
    await this.#client.end()
  }
}

/** Waits for a span of each of these traces, and returns how many were received more than once, each of which has to be the same one. */
export async function assertTold(receiver: OtlpReceiver, traces: readonly string[]): Promise<number> {
  let found = new Map<string, string[]>()
  let missing: readonly string[] = []
  await eventually(
    'every trace has its span',
    () => {
      found = new Map(traces.map((id) => [id, []]))
      for (const { traceId, spanId } of receiver.spans) found.get(traceId)?.push(spanId)
      missing = [...found].filter(([, spans]) => spans.length === 0).map(([id]) => Buffer.from(id, 'hex').toString())
      return missing.length === 0
    },
    {
      deadline: 60_000,
      context: () =>
        `${missing.length} of ${traces.length} missing: ${missing.slice(0, 5).join()} to ${missing.at(-1)}`,
    },
  )
  for (const spans of found.values()) assert.equal(new Set(spans).size, 1)
  return [...found.values()].filter(({ length }) => length > 1).length
}
