// One phase of a drain as it runs: within its time, until an event breaks it off, and what it came to.
import { reasonOf } from '../errors.ts'
import { LeftUndone } from './step.ts'

const timeUp = new LeftUndone('its time was up')

export class PhaseRun {
  readonly #over = new AbortController()

  /** What it waits for has become pointless. */
  breakOff(why: string): void {
    this.#over.abort(new LeftUndone(why))
  }

  /** Works for at most so many milliseconds; undefined when the sidecar ends meanwhile. `beside` is what goes on as long as the work. */
  async run(
    limit: number,
    work: (signal: AbortSignal) => Promise<string>,
    beside: ((signal: AbortSignal) => Promise<void>) | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly state: 'done' | 'failed'; readonly reason: string } | undefined> {
    const over = this.#over
    const timer = setTimeout(() => over.abort(timeUp), limit)
    const either = AbortSignal.any([signal, over.signal])
    const going = beside?.(either)
    try {
      const reason = await work(either)
      // Not all work notices that it was broken off.
      if (over.signal.aborted && over.signal.reason !== timeUp) throw over.signal.reason
      return { state: 'done', reason }
    } catch (error) {
      if (signal.aborted) return undefined
      // An event that ended the phase is the better reason; of its time being up the phase itself knows more.
      const ended: unknown = over.signal.reason
      const own = ended === undefined || (ended === timeUp && error instanceof LeftUndone)
      return { state: 'failed', reason: reasonOf(own ? error : ended) }
    } finally {
      clearTimeout(timer)
      over.abort()
      await going
    }
  }
}
