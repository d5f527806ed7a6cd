// The other end of reader-thread.ts, within the thread: portions go out one at a time, questions are answered.
import { parentPort } from 'node:worker_threads'
import type { FromThread, ThreadProtocol, ToThread } from './reader-thread.ts'

export interface ThreadPortOptions<P extends ThreadProtocol> {
  readonly onTold: (what: P['told']) => void
  readonly answers: {
    readonly [K in keyof P['calls']]: (
      question: P['calls'][K]['question'],
    ) => P['calls'][K]['answer'] | Promise<P['calls'][K]['answer']>
  }
  /** What there is to tell; undefined where nothing is. */
  readonly portion: () => P['portion'] | undefined
}

/** Speaks with the thread that started this one. */
export class ThreadPort<P extends ThreadProtocol> {
  readonly #options: ThreadPortOptions<P>
  readonly #end = new AbortController()
  /** A portion is on its way and was not yet taken. */
  #underway = false

  /** @throws where this is not a thread. */
  constructor(options: ThreadPortOptions<P>) {
    if (parentPort === null) throw new Error('this file is run as a thread')
    this.#options = options
    parentPort.on('message', (message: ToThread<P>) => void this.#hear(message))
  }

  /** Aborts when the thread is to end, which is to close this then. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  async #hear(message: ToThread<P>): Promise<void> {
    if (message.kind === 'told') return this.#options.onTold(message.what)
    if (message.kind === 'end') return this.#end.abort(new Error('the sidecar ends'))
    if (message.kind === 'taken') {
      this.#underway = false
      return this.offer()
    }
    const { id, name, question } = message
    try {
      this.#send({ kind: 'answer', id, answer: await this.#options.answers[name](question) })
    } catch (error) {
      this.#send({ kind: 'refused', id, reason: error instanceof Error ? error.message : String(error) })
    }
  }

  /** Sends what is left to tell, whoever takes it, and lets the thread end. */
  close(): void {
    for (let last = this.#options.portion(); last !== undefined; last = this.#options.portion())
      this.#send({ kind: 'portion', portion: last })
    parentPort?.close()
  }

  #send(message: FromThread<P>): void {
    parentPort?.postMessage(message)
  }

  /** Sends what there is to tell, unless a portion is on its way: what is there then goes with the next one. */
  offer(): void {
    if (this.#underway) return
    const portion = this.#options.portion()
    if (portion === undefined) return
    this.#underway = true
    this.#send({ kind: 'portion', portion })
  }
}
