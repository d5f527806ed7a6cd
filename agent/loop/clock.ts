// Time as an argument, so that tests can turn it.

export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** Returns after `ms` milliseconds or as soon as the signal aborts, without throwing. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const timer = setTimeout(wake, ms)
    signal.addEventListener('abort', wake, { once: true })
    await promise
    clearTimeout(timer)
    signal.removeEventListener('abort', wake)
  },
}
