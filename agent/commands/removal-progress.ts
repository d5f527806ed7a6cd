// A removal on the screen: a line for each phase, on a terminal a last one with bar, bytes, rate and time to go, else a line each tenth.
import { bytesText, timeText } from '../removal/amounts.ts'
import type { Progress } from '../removal/progress.ts'
import type { Removal } from '../removal/removal-ledger.ts'

const eraseLine = '\r\u001B[2K'
const barWidth = 24
/** The coordinator's sidecar says something every two seconds; after so long without a word it is waited for, milliseconds. */
const silentAfter = 20_000

interface Screen {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export class RemovalProgress {
  readonly #out: Screen
  #phase = ''
  #said = ''
  #tenth = -1
  #drawn = false

  constructor(out: Screen) {
    this.#out = out
  }

  /** Prints what is new since it was last shown. */
  show(removal: Removal): void {
    const { phase, toldMs, outcome } = removal
    if (phase !== this.#phase) {
      this.#phase = phase
      this.#tenth = -1
      this.#line(phase)
    }
    if (outcome !== null) return
    const silent = (toldMs ?? removal.phaseMs) > silentAfter
    this.#say(silent ? "waits for the coordinator's sidecar" : removal.reason)
    if (phase === 'move' && removal.progress !== null) this.#move(removal.progress)
  }

  /** The coordinator does not answer. */
  away(reason: string): void {
    this.#say(`the coordinator does not answer: ${reason}`)
  }

  /** Leaves the cursor at the start of an empty line. */
  finish(): void {
    this.#erase()
  }

  #move(progress: Progress): void {
    const { totalShards, leftShards, totalBytes, leftBytes } = progress
    const share =
      totalBytes === null || leftBytes === null || totalBytes === 0
        ? 1 - leftShards / Math.max(1, totalShards)
        : 1 - leftBytes / totalBytes
    if (this.#out.isTTY === true) {
      this.#erase()
      const full = Math.round(share * barWidth)
      this.#out.write(`  [${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${progressText(progress)}`)
      this.#drawn = true
      return
    }
    const tenth = Math.floor(share * 10)
    if (tenth === this.#tenth) return
    this.#tenth = tenth
    this.#line(`  ${progressText(progress)}`)
  }

  #say(text: string): void {
    if (text !== '' && text !== this.#said) this.#line(`  ${text}`)
    this.#said = text
  }

  #line(text: string): void {
    this.#erase()
    this.#out.write(`${text}\n`)
  }

  #erase(): void {
    if (this.#drawn) this.#out.write(eraseLine)
    this.#drawn = false
  }
}

/** How far the move is, in one line. */
export function progressText(progress: Progress): string {
  const { totalShards, leftShards, totalBytes, leftBytes, bytesPerSecond, etaSeconds, moving } = progress
  const bytes =
    totalBytes === null || leftBytes === null
      ? ''
      : `, ${bytesText(totalBytes - leftBytes)} of ${bytesText(totalBytes)}`
  const rate = bytesPerSecond === null ? '' : `, ${bytesText(bytesPerSecond)}/s`
  const eta = etaSeconds === null ? '' : `, ${timeText(etaSeconds)} to go`
  const now = moving === '' ? '' : `; ${moving}`
  return `${totalShards - leftShards} of ${totalShards} shards${bytes}${rate}${eta}${now}`
}
