// An error as a reading keeps it: the innermost message, the SQLSTATE or errno along the way, and whether nobody answered.
import type { ReadingError } from '../../probes/probe.ts'
import { reasonOf, SidecarError } from '../errors.ts'

/** Walks the causes of an error; bounded, because a cause can be anything. */
export function describeError(error: unknown): ReadingError {
  let code: string | undefined
  let timedOut = false
  let current: unknown = error
  let innermost: unknown = error
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    innermost = current
    if (current instanceof SidecarError) timedOut ||= current.code === 'QUERY_TIMEOUT'
    else if ('code' in current && typeof current.code === 'string') code ??= current.code
    timedOut ||= current.name === 'TimeoutError' || current.message.startsWith('no answer to the login')
    current = current.cause
  }
  return { message: reasonOf(innermost).slice(0, 500), code, timedOut }
}
