// Kubernetes Events about this pod, written one after the other behind everybody's back: a short queue, no repetition, and nobody
// ever waits for the API. What cannot be written is lost; the log has it all.
import type { EventName, Report } from '../events.ts'
import { reasonOf } from '../errors.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Clock } from '../loop/clock.ts'
import { readAccess } from './access.ts'
import type { ApiAccess, ApiPlace } from './access.ts'
import { ApiRefusal, post } from './ask.ts'
import { podEventOf } from './event-table.ts'
import type { PodEvent } from './event-table.ts'
import { pathOf, readOwnPod } from './pod.ts'

/** Events that wait; more are not taken. */
const mostWaiting = 16
/** The same reason and message is not written again within, milliseconds. */
const sameAgain = 60_000
/** Pauses before an event is tried again, milliseconds; then it is lost. */
const pauses = [1_000, 5_000]
/** Where the right is missing nothing is tried for so long, milliseconds. */
const forbiddenFor = 3_600_000
/** At the end of the process what waits is still written, for so long, milliseconds. */
const goodbye = 500

export interface PodEventsOptions {
  readonly place: ApiPlace
  /** The pod's name where its token does not say. */
  readonly node: string
  readonly clock: Clock
  readonly report: Report
}

type Waiting = PodEvent & { readonly at: number }

/** Lives as long as the process. */
export class PodEvents implements AsyncDisposable {
  readonly #options: PodEventsOptions
  readonly #end = new AbortController()
  readonly #queue: Waiting[] = []
  /** When each text was last taken. */
  readonly #taken = new Map<string, number>()
  #writing: Promise<void> | undefined
  #forbiddenUntil = 0
  #lost = false
  /** Of a pod whose token does not say; asked for once. */
  #uid: string | undefined

  constructor(options: PodEventsOptions) {
    this.#options = options
  }

  /** Takes an event of this sidecar that Kubernetes is told of. Never throws, never waits. */
  take(name: EventName, details: Readonly<Record<string, unknown>>): void {
    const event = podEventOf(name, details)
    const now = this.#options.clock.now()
    if (event === undefined || now < this.#forbiddenUntil || this.#end.signal.aborted) return
    for (const [key, at] of this.#taken) if (now - at >= sameAgain) this.#taken.delete(key)
    const key = `${event.reason} ${event.message}`
    if (this.#queue.length >= mostWaiting || this.#taken.has(key) || this.#taken.size >= mostWaiting * 4) return
    this.#taken.set(key, now)
    this.#queue.push({ ...event, at: now })
    this.#writing ??= this.#write()
  }

  /** Writes what waits, briefly. */
  async [Symbol.asyncDispose](): Promise<void> {
    using patience = new ChildSignal(this.#end.signal)
    await Promise.race([this.#writing, this.#options.clock.sleep(goodbye, patience.signal)])
    patience.abort()
    this.#end.abort(new Error('the sidecar ends'))
    await this.#writing
  }

  async #write(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      await this.#deliver(next)
      this.#queue.shift()
    }
    this.#writing = undefined
  }

  async #deliver(event: Waiting): Promise<void> {
    const { clock, report } = this.#options
    const { signal } = this.#end
    for (const pause of [...pauses, undefined]) {
      if (signal.aborted) return
      try {
        await this.#post(event)
        this.#lost = false
        return
      } catch (error) {
        if (error instanceof ApiRefusal && error.forbidden) return this.#giveUp(error)
        if (pause !== undefined) await clock.sleep(pause, signal)
        else if (!this.#lost) report('kubernetes.event-lost', { reason: reasonOf(error) })
        if (pause === undefined) this.#lost = true
      }
    }
  }

  #giveUp(error: ApiRefusal): void {
    this.#queue.length = 0
    this.#forbiddenUntil = this.#options.clock.now() + forbiddenFor
    this.#options.report('kubernetes.events-off', { reason: reasonOf(error) })
  }

  async #post({ at, type, reason, message }: Waiting): Promise<void> {
    const { signal } = this.#end
    const access = await readAccess(this.#options.place)
    const name = access.pod?.name ?? this.#options.node
    const time = new Date(at).toISOString()
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name}.`, namespace: access.namespace },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        namespace: access.namespace,
        name,
        uid: await this.#uidOf(access, signal),
      },
      type,
      reason,
      message,
      source: { component: 'citus-sidecar' },
      reportingComponent: 'citus-sidecar',
      reportingInstance: name,
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    }
    await post(access, pathOf(access, 'api/v1', 'events'), event, signal)
  }

  /** `kubectl describe` finds events by it. */
  async #uidOf(access: ApiAccess, signal: AbortSignal): Promise<string | undefined> {
    if (access.pod !== undefined) return access.pod.uid
    this.#uid ??= (await readOwnPod(access, this.#options.node, signal).catch(() => undefined))?.metadata.uid
    return this.#uid
  }
}
