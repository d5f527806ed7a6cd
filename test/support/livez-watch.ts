// Asks /livez of a sidecar again and again while a test does something to its PostgreSQL, and remembers what was not 200.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SidecarProcess } from '../../deploy/local/sidecar-process.ts'

/** A watch that runs until it is ended. */
export class LivezWatch {
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #asked = 0
  readonly #bad: string[] = []

  constructor(sidecar: SidecarProcess) {
    this.#done = this.#run(sidecar)
  }

  /** Ends the watch; what was asked how often, and every answer that was not 200. */
  async end(): Promise<{ readonly asked: number; readonly bad: readonly string[] }> {
    this.#stop.abort()
    await this.#done
    return { asked: this.#asked, bad: this.#bad }
  }

  async #run(sidecar: SidecarProcess): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const { status, body } = await sidecar.get('/livez')
        if (status !== 200) this.#bad.push(`${status} ${body}`)
      } catch (error) {
        this.#bad.push(String(error))
      }
      this.#asked += 1
      await sleep(50, undefined, { signal }).catch(() => undefined)
    }
  }
}
