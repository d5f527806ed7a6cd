// The tasks of one initiator that wait for their parents: asked for in batches, one request at a time, given up when their patience ends.
import type { Link, LinkAnswer, LinkAsk, UnknownReason } from './link.ts'
import type { LinkReply, LinkRequest } from './link-request.ts'
import { linksUrl, mostAsks, readAnswers } from './link-wire.ts'
import { PeerClock } from './peer-clock.ts'
import type { ClockOffset } from './peer-clock.ts'

/** Why a task has no parent. */
export type Unresolved =
  | UnknownReason
  /** Its initiator had no node id when it began. */
  | 'no-metadata'
  /** No sidecar is known at the initiator. */
  | 'no-address'
  /** The initiator's sidecar did not answer. */
  | 'away'
  /** It makes no spans of queries, or is of a version that made none. */
  | 'off'
  /** It did not understand. */
  | 'refused'
  /** Its statement had not ended when patience did. */
  | 'pending'
  /** Too many tasks waited. */
  | 'full'

/** `what` is the asker's own. Thousands may wait, so there is nothing of them that all have in common. */
export interface WaitingTask<T> {
  readonly ask: LinkAsk
  readonly what: T
  readonly since: number
  /** Not asked for before. */
  next: number
  tries: number
}

/** `clock` is the initiator's, by which the link's times are to be read. */
export type LinkOutcome = { readonly link: Link; readonly clock: ClockOffset } | { readonly unresolved: Unresolved }

/** Milliseconds: asked again for what is pending after the first, twice as long each time, and at most after the second. */
const [againAfter, againAtMost] = [500, 8_000]
/** Who does not answer is asked again after the first, twice as long each time, and at most after the second, milliseconds. */
const [awayAfter, awayAtMost] = [500, 30_000]
/** Who has no links is asked again after this, milliseconds. */
const offFor = 300_000

export class LinkPeer<T> {
  readonly clock = new PeerClock()
  readonly waiting = new Set<WaitingTask<T>>()
  #away: Unresolved = 'no-address'
  #failures = 0
  #notBefore = 0
  #offUntil = 0
  #busy = false
  readonly #onEnd: (what: T, outcome: LinkOutcome) => void

  /** `onEnd` is told of each task's end, once. */
  constructor(onEnd: (what: T, outcome: LinkOutcome) => void) {
    this.#onEnd = onEnd
  }

  /** Takes a task, or says at once that nobody there will tell. */
  add(task: WaitingTask<T>): void {
    this.waiting.add(task)
    if (task.since < this.#offUntil) this.#end(task, { unresolved: 'off' })
  }

  /** Gives up those that came before. */
  giveUp(before: number): void {
    for (const task of this.waiting)
      if (task.since < before) this.#end(task, { unresolved: task.tries > 0 ? 'pending' : this.#away })
  }

  /** Asks until nobody waits to be asked for now, unless that is going on or it is not yet time. */
  async talk(
    how: {
      readonly address: string | undefined
      readonly from: string | undefined
      readonly now: () => number
      readonly random: () => number
      readonly request: LinkRequest
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { address, now } = how
    if (address === undefined) this.#away = 'no-address'
    if (address === undefined || this.#busy || now() < this.#notBefore) return
    this.#busy = true
    try {
      for (let due = this.#due(now()); due.length > 0 && !signal.aborted; due = this.#due(now())) {
        // Without an offset no time can be told: the first request asks for nothing but the clock.
        const offset = this.clock.fresh(now()) ? this.clock.offset(now()) : undefined
        const asked = offset === undefined ? [] : due
        const { uncertainty, ...ours } = offset ?? { uncertainty: 0, offset: 0 }
        const asks = asked.map(({ ask }) => inClock(ask, ours.offset))
        const reply = await how.request(`${address}${linksUrl({ asks, uncertainty, from: how.from })}`, signal)
        if (!this.#heard(reply, asked, now())) return
      }
    } catch {
      if (!signal.aborted) this.#pause(now(), how.random)
    } finally {
      this.#busy = false
    }
  }

  #due(now: number): readonly WaitingTask<T>[] {
    return this.waiting
      .values()
      .filter(({ next }) => next <= now)
      .take(mostAsks)
      .toArray()
  }

  /** Whether there may be more to ask. @throws when it is no answer. */
  #heard(reply: LinkReply, asked: readonly WaitingTask<T>[], now: number): boolean {
    const { status, retryAfter = 1 } = reply
    if (status === 404) {
      this.#offUntil = now + offFor
      for (const task of this.waiting) this.#end(task, { unresolved: 'off' })
      return false
    }
    if (status === 429) {
      this.#notBefore = now + Math.min(Math.max(retryAfter, 0.5), 60) * 1_000
      return false
    }
    if (status === 400) {
      for (const task of asked.length > 0 ? asked : this.waiting) this.#end(task, { unresolved: 'refused' })
      return true
    }
    const said = status === 200 ? readAnswers(reply.body, asked.length) : undefined
    if (said === undefined) throw new Error(`no answer: ${status}`)
    this.#failures = 0
    this.clock.learn({ ...reply, ...said })
    const clock = this.clock.offset(now) ?? { offset: 0, uncertainty: 0 }
    for (const [index, task] of asked.entries()) this.answer(task, said.answers[index], clock, now)
    return true
  }

  /** What was said of a task. */
  answer(task: WaitingTask<T>, answer: LinkAnswer | undefined, clock: ClockOffset, now: number): void {
    if (answer === undefined || 'pending' in answer) {
      task.next = now + Math.min(againAfter * 2 ** task.tries, againAtMost)
      task.tries += 1
    } else this.#end(task, 'method' in answer ? { link: answer, clock } : { unresolved: answer.unknown })
  }

  /** Tells once, also where the answer comes when patience is over. */
  #end(task: WaitingTask<T>, outcome: LinkOutcome): void {
    if (this.waiting.delete(task)) this.#onEnd(task.what, outcome)
  }

  #pause(now: number, random: () => number): void {
    const longest = Math.min(awayAfter * 2 ** Math.min(this.#failures, 10), awayAtMost)
    this.#away = 'away'
    this.#failures += 1
    // At least half of it, so that nobody is asked in vain at once.
    this.#notBefore = now + (longest * (1 + random())) / 2
  }
}

function inClock(ask: LinkAsk, offset: number): LinkAsk {
  return { ...ask, startedAt: ask.startedAt + offset, endedAt: ask.endedAt + offset }
}
