// What must happen in the demo, and whether it did.

import type { DemoScreen } from './demo-screen.ts'

/** Collects what was expected and tells each as it comes out. */
export class Expectations {
  readonly #screen: DemoScreen
  #missed: readonly string[] = []
  #count = 0

  constructor(screen: DemoScreen) {
    this.#screen = screen
  }

  /** How many there were. */
  get count(): number {
    return this.#count
  }

  /** Those that did not happen, with what was seen instead. */
  get missed(): readonly string[] {
    return this.#missed
  }

  /** Notes one expectation; `seen` says what was seen, whether it came true or not. */
  async check(sentence: string, happened: boolean, seen: () => string | Promise<string>): Promise<void> {
    this.#count += 1
    const detail = await seen()
    if (!happened) this.#missed = [...this.#missed, `${sentence} (${detail})`]
    this.#screen.say(`${happened ? 'as it should' : 'NOT AS IT SHOULD'}: ${sentence} (${detail})`)
  }
}
