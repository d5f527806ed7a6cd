// Reads of volumes take turns: one that hangs keeps a thread, and the process has four for everything, looking up names included.

/** Runs one read after the other. */
export class FileTurns {
  #last: Promise<unknown> = Promise.resolve()

  /** Waits for its turn and reads; who gives up goes at once, while a read that hangs keeps the turn. @throws the signal's reason. */
  async run<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const own = this.#last.then(async () => {
      signal.throwIfAborted()
      return await read()
    })
    this.#last = own.catch(() => undefined)
    const { promise: abandoned, reject } = Promise.withResolvers<never>()
    const giveUp = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await Promise.race([own, abandoned])
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }
}
