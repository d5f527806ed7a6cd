// The thread that reads the log, from outside: started, asked, told, ended. What it has to say comes one portion at a time, so that no
// queue grows where nobody listens for a while.
import { Worker } from 'node:worker_threads'

/** What the thread may use of memory before it is ended, megabytes; statements it knows are bounded far below. */
const memory = 96
/** For what is young, which is nearly all of it: of more the process has more, and the thread is hardly faster; megabytes. */
const young = 6
/** It has this long to end by itself, milliseconds. */
const lastWords = 1_000

/** Of a thread that reads something and tells of it: what it is given, what it hears, what it is asked and answers, what it tells. */
export interface ThreadProtocol {
  readonly told: object
  readonly calls: Readonly<Record<string, { readonly question: unknown; readonly answer: unknown }>>
  readonly portion: object
}

export type ToThread<P extends ThreadProtocol> =
  | { readonly kind: 'told'; readonly what: P['told'] }
  | { readonly kind: 'taken' }
  | { readonly kind: 'end' }
  | { readonly kind: 'call'; readonly id: number; readonly name: keyof P['calls']; readonly question: unknown }

export type FromThread<P extends ThreadProtocol> =
  | { readonly kind: 'portion'; readonly portion: P['portion'] }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly reason: string }

interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export interface ReaderThreadOptions<P extends ThreadProtocol> {
  /** What it runs, which has a ThreadPort. */
  readonly module: URL
  /** What it is started with; has to be cloneable. */
  readonly data: object
  /** Hears each portion; the next one comes after it has returned. */
  readonly onPortion: (portion: P['portion']) => void
}

/** A thread that runs until it is disposed of or dies. */
export class ReaderThread<P extends ThreadProtocol> implements AsyncDisposable {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #asked = 0
  /** Resolves once it has ended, with the reason where it was not told to. */
  readonly ended: Promise<string | undefined>

  constructor({ module, data, onPortion }: ReaderThreadOptions<P>) {
    this.#worker = new Worker(module, {
      workerData: data,
      name: 'log-reader',
      resourceLimits: { maxOldGenerationSizeMb: memory, maxYoungGenerationSizeMb: young },
    })
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.ended = promise
    let reason: string | undefined
    this.#worker.on('error', (error) => {
      reason = error instanceof Error ? error.message : String(error)
    })
    this.#worker.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the thread that reads the log ended'))
      this.#waiting.clear()
      resolve(code === 0 ? undefined : (reason ?? `it ended with code ${code}`))
    })
    this.#worker.on('message', (message: FromThread<P>) => this.#hear(message, onPortion))
  }

  #hear(message: FromThread<P>, onPortion: (portion: P['portion']) => void): void {
    if (message.kind === 'portion') {
      onPortion(message.portion)
      return this.#send({ kind: 'taken' })
    }
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.kind === 'answer') waiting?.resolve(message.answer)
    else waiting?.reject(new Error(message.reason))
  }

  #send(message: ToThread<P>): void {
    this.#worker.postMessage(message)
  }

  /** Tells it something that it has to know. */
  tell(what: P['told']): void {
    this.#send({ kind: 'told', what })
  }

  /** Asks it something. @throws its reason, or the signal's. */
  async ask<K extends keyof P['calls']>(
    name: K,
    question: P['calls'][K]['question'],
    signal: AbortSignal,
  ): Promise<P['calls'][K]['answer']> {
    signal.throwIfAborted()
    const id = (this.#asked += 1)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, { resolve, reject })
    const giveUp = (): void => {
      this.#waiting.delete(id)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      this.#send({ kind: 'call', id, name, question })
      return await promise
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** Lets it end what it has begun, for a short while. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#send({ kind: 'end' })
    const timer = setTimeout(() => void this.#worker.terminate(), lastWords)
    await this.ended
    clearTimeout(timer)
  }
}
