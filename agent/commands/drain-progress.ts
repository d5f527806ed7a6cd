// A drain on the screen: a line for each phase that ended, and on a terminal a last one that shows what runs.
import type { DrainView } from '../drain/view.ts'

const eraseLine = '\r\u001B[2K'
const marks = { done: 'ok', failed: 'UNDONE', skipped: 'left out', running: 'runs' } as const

export class DrainProgress {
  readonly #out: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly #elapsed: () => number
  readonly #shown = new Set<string>()
  #running: { readonly name: string; readonly since: number } | undefined
  #drawn = false

  constructor(
    out: { write(text: string): unknown; readonly isTTY?: boolean },
    elapsed: () => number = () => performance.now(),
  ) {
    this.#out = out
    this.#elapsed = elapsed
  }

  /** Prints what is new since it was last shown. */
  show(view: DrainView): void {
    for (const { name, state, reason } of view.phases) {
      if (state === 'running' || this.#shown.has(name)) continue
      this.#erase()
      this.#shown.add(name)
      this.#out.write(`${name.padEnd(10)}${marks[state].padEnd(10)}${reason}`.trimEnd() + '\n')
    }
    const running = view.phases.find(({ state }) => state === 'running')?.name
    if (running !== this.#running?.name)
      this.#running = running === undefined ? undefined : { name: running, since: this.#elapsed() }
    if (this.#out.isTTY !== true) return
    this.#erase()
    if (this.#running === undefined) return
    const seconds = Math.floor((this.#elapsed() - this.#running.since) / 1_000)
    this.#out.write(`${this.#running.name.padEnd(10)}${marks.running.padEnd(10)}${seconds} s`)
    this.#drawn = true
  }

  /** Leaves the cursor at the start of an empty line. */
  finish(): void {
    this.#erase()
  }

  #erase(): void {
    if (this.#drawn) this.#out.write(eraseLine)
    this.#drawn = false
  }
}
