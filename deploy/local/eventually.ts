// Waits for something to become true by asking again and again, never past a deadline.

import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

/** A wait rests this many times as long as its last try took: asking, by new sessions above all, is work for who is waited for. */
const restFactor = 3

/** Milliseconds; a try that hung once must not make the next one come late. */
const longestRest = 250

interface EventuallyOptions {
  /** Milliseconds until it gives up; 30,000 unless told: a busy machine takes seconds for what takes milliseconds. */
  deadline?: number | undefined
  /** Milliseconds between two tries, 20 unless told; more where a try takes long. */
  interval?: number | undefined
  /** Read when it gives up, and added to the error: a log's tail, for example. */
  context?: (() => string) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Calls `attempt` until it returns something truthy and returns that; a throw counts as "not yet".
 * @throws EventuallyError on the deadline (ms), with the description, the last value or error and the context.
 */
export async function eventually<T>(
  description: string,
  attempt: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<NonNullable<T>> {
  const { deadline = 30_000, interval = 20, context, signal } = options
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), deadline)
  const given = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal])
  // One promise for the whole wait: an attempt that hangs must not outlive the deadline either.
  const over = new Promise<undefined>((resolve) => given.addEventListener('abort', () => resolve(undefined)))
  let last = 'nothing yet'
  try {
    while (!given.aborted) {
      const begun = performance.now()
      const outcome = await Promise.race([settle(attempt), over])
      if (outcome === undefined) break
      if ('value' in outcome && outcome.value) return outcome.value
      last = 'value' in outcome ? `value ${inspect(outcome.value)}` : `error ${describe(outcome.error)}`
      const rest = Math.min((performance.now() - begun) * restFactor, longestRest)
      await sleep(Math.max(interval, rest), undefined, { signal: given }).catch(() => undefined)
    }
  } finally {
    clearTimeout(timer)
  }
  signal?.throwIfAborted()
  const added = context?.()
  throw new EventuallyError(
    `not within ${deadline / 1000} s: ${description}; last ${last}${added === undefined ? '' : `\n${added}`}`,
  )
}

async function settle<T>(attempt: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await attempt() }
  } catch (error) {
    return { error }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)
}

/** A wait that reached its deadline. */
class EventuallyError extends Error {
  override name = 'EventuallyError'
}
