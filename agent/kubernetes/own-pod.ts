// How long the pod has to stop, known before anybody asks it to: read from the API at start and now and then. Where nobody may or
// can say, it is unknown, and that is said once.
import type { Report } from '../events.ts'
import { reasonOf } from '../errors.ts'
import type { Clock } from '../loop/clock.ts'
import { readAccess } from './access.ts'
import type { ApiPlace } from './access.ts'
import { graceSecondsOf, readOwnPod } from './pod.ts'

/** Between two looks, milliseconds, less a random tenth: hundreds of sidecars ask one API. */
const interval = 300_000
/** After a failure: soon enough for an API that restarts or a right that is being granted. */
const again = 60_000

export interface OwnPodOptions {
  /** undefined outside Kubernetes. */
  readonly place: ApiPlace | undefined
  /** The pod's name where its token does not say. */
  readonly node: string
  /** CITUS_SIDECAR_GRACE_PERIOD, milliseconds. */
  readonly configuredMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly report: Report
}

export class OwnPod {
  readonly #options: OwnPodOptions
  #graceMs: number | undefined
  #blind = false

  constructor(options: OwnPodOptions) {
    this.#options = options
  }

  /** What the API last said, milliseconds; undefined while it has not. */
  get graceMs(): number | undefined {
    return this.#graceMs
  }

  /** Looks until the signal aborts. @throws never. */
  async run(signal: AbortSignal): Promise<void> {
    const { place, clock, random } = this.#options
    while (place !== undefined && !signal.aborted) {
      const pause = (await this.#look(place, signal)) ? interval : again
      await clock.sleep(pause * (1 - random() / 10), signal)
    }
  }

  async #look(place: ApiPlace, signal: AbortSignal): Promise<boolean> {
    const { node, report } = this.#options
    try {
      const seconds = graceSecondsOf(await readOwnPod(await readAccess(place), node, signal))
      this.#blind = false
      if (seconds !== undefined) this.#keep(seconds * 1_000)
      return true
    } catch (error) {
      if (!this.#blind && !signal.aborted) report('kubernetes.blind', { reason: reasonOf(error) })
      this.#blind = true
      return false
    }
  }

  #keep(graceMs: number): void {
    const { configuredMs, report } = this.#options
    if (graceMs !== this.#graceMs && graceMs !== configuredMs)
      report('kubernetes.grace-differs', { podSeconds: graceMs / 1_000, configuredSeconds: configuredMs / 1_000 })
    this.#graceMs = graceMs
  }
}
