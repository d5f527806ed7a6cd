// Ids of spans that were chosen before the span is made: by a process that is gone, so that its span is ended by the one after it.
// Imports nothing of the SDK, so that who resumes a span need not load it.
import type { IdGenerator } from '@opentelemetry/sdk-trace'

export interface Ids {
  /** Of a span that has no parent; all others have their parent's. */
  readonly traceId: string
  readonly spanId: string
}

/** What the next span is to have; nothing outside of a call of `withIds`. */
let chosen: Readonly<Partial<Record<keyof Ids, string | undefined>>> = {}

/** Taken once, so that a second span never has it. */
function take(name: keyof Ids): string | undefined {
  const id = chosen[name]
  chosen = { ...chosen, [name]: undefined }
  return id
}

/** The one span that `start` starts, before it returns, has these ids. */
export function withIds<T>(ids: Ids, start: () => T): T {
  chosen = ids
  try {
    return start()
  } finally {
    chosen = {}
  }
}

/** Ids that were chosen, else those of another generator. */
export function chosenOr(other: IdGenerator): IdGenerator {
  return {
    generateTraceId: () => take('traceId') ?? other.generateTraceId(),
    generateSpanId: () => take('spanId') ?? other.generateSpanId(),
  }
}
