// What the demo writes: on a terminal a story that scrolls with the cluster's table below it, redrawn in place; elsewhere
// plain lines, and the table whenever it says something new.

/** Where it writes: process.stdout, or a test's list of lines. */
export interface ScreenOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

const clearLine = '\u001B[2K'
const up = (lines: number): string => (lines === 0 ? '' : `\u001B[${lines}A`)
const clearBelow = '\u001B[J'

/** The demo's output. */
export class DemoScreen implements Disposable {
  readonly #output: ScreenOutput
  readonly #startedAt: number
  readonly isTerminal: boolean
  #table = ''
  #gist = ''
  /** Lines of the table that stand on the terminal below the story. */
  #drawn = 0

  constructor(output: ScreenOutput, startedAt: number) {
    this.#output = output
    this.#startedAt = startedAt
    this.isTerminal = output.isTTY === true
  }

  /** A line that the next one replaces; only where lines can be replaced. */
  passing(text: string): void {
    if (this.isTerminal) this.#output.write(`${clearLine}${text}\r`)
  }

  /** What happened, and when (milliseconds since 1970), shown as seconds since the start. */
  say(text: string, at = Date.now()): void {
    const seconds = ((at - this.#startedAt) / 1_000).toFixed(1).padStart(6)
    this.text(`${seconds} s  ${text}\n`)
  }

  /** Text as it is, every line ended. */
  text(text: string): void {
    if (!this.isTerminal) this.#output.write(text)
    else {
      this.#output.write(`${this.#erasure()}${text}`)
      this.#draw()
    }
  }

  /** The table as it is now; `gist` is what of it is worth a new copy where it cannot be redrawn. */
  show(table: string, gist: string): void {
    this.#table = table
    if (this.isTerminal) {
      this.#output.write(this.#erasure())
      this.#draw()
    } else if (gist !== this.#gist) this.#output.write(`\n${table}\n`)
    this.#gist = gist
  }

  [Symbol.dispose](): void {
    // The last table stays; what the shell prints next comes below it.
    this.#drawn = 0
  }

  #erasure(): string {
    const erasure = `${up(this.#drawn)}\r${clearBelow}`
    this.#drawn = 0
    return erasure
  }

  #draw(): void {
    if (this.#table === '') return
    const { columns = 80 } = this.#output
    // A line that wraps would take two, and the next erasure one.
    const lines = ['', ...this.#table.trimEnd().split('\n')].map((line) => line.slice(0, Math.max(columns - 1, 20)))
    this.#output.write(`${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }
}
