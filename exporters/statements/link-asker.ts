// Finds the parents of this node's tasks: asks the sidecars of the nodes that sent them, and the own store where that was this node.
import { initiatorOf } from './gpid.ts'
import type { LinkMethod } from './link.ts'
import type { LinkAsk } from './link.ts'
import { LinkPeer } from './link-peer.ts'
import type { LinkOutcome, Unresolved, WaitingTask } from './link-peer.ts'
import type { LinkRequest } from './link-request.ts'
import type { LinkStore } from './link-store.ts'
import type { ClockOffset } from './peer-clock.ts'
import type { Place, Statement } from './statement.ts'
import { textHash } from './text-hash.ts'

/** Tasks are collected for this long before they are asked for, milliseconds. */
const every = 500
/** Clusters have fewer nodes; who sends tasks from more is told to none. */
const mostPeers = 1_000
/** Texts of transactions that are counted. */
const mostCounted = 10_000

/** `T` is what the asker is to know again when a task has ended. */
export interface LinkAskerOptions<T> {
  /** Told of each task once, within `patience` while run() runs, or when all are given up. */
  readonly onEnd: (what: T, outcome: LinkOutcome) => void
  readonly clock: {
    /** Wall clock, milliseconds since 1970 with fractions. */
    now(): number
    sleep(ms: number, signal: AbortSignal): Promise<void>
  }
  readonly random: () => number
  readonly request: LinkRequest
  readonly own: { readonly nodeId: () => string | undefined; readonly store: Pick<LinkStore, 'resolve'> }
  /** Of the sidecars, by node id. */
  readonly addresses: () => ReadonlyMap<string, string>
  /** `host:port` of this node, as Citus names it. */
  readonly from: () => string | undefined
  /** How long a task waits, milliseconds. */
  readonly patience: number
  /** How many wait. */
  readonly limit: number
}

export interface LinkFigures {
  readonly waiting: number
  readonly asked: number
  readonly resolved: Readonly<Partial<Record<LinkMethod, number>>>
  /** Those that did not even wait are `full`. */
  readonly unresolved: Readonly<Partial<Record<Unresolved, number>>>
  /** By node id. */
  readonly clocks: ReadonlyMap<string, ClockOffset>
}

export class LinkAsker<T> {
  readonly #options: LinkAskerOptions<T>
  readonly #peers = new Map<string, LinkPeer<T>>()
  /** How often a text was seen in a transaction. */
  readonly #seen = new Map<string, number>()
  readonly #resolved: Partial<Record<LinkMethod, number>> = {}
  readonly #unresolved: Partial<Record<Unresolved, number>> = {}
  #waiting = 0
  #asked = 0

  constructor(options: LinkAskerOptions<T>) {
    this.#options = options
  }

  get figures(): LinkFigures {
    const now = this.#options.clock.now()
    const clocks = new Map(
      [...this.#peers].flatMap(([node, { clock }]) => {
        const offset = clock.offset(now)
        return offset === undefined ? [] : [[node, offset] as const]
      }),
    )
    const { addresses } = this.#options
    // Of nodes that left nobody asks any more.
    for (const node of clocks.keys()) if (!addresses().has(node)) clocks.delete(node)
    return {
      waiting: this.#waiting,
      asked: this.#asked,
      resolved: { ...this.#resolved },
      unresolved: { ...this.#unresolved },
      clocks,
    }
  }

  /** Finds the parent of a task. */
  add(task: Statement, what: T): void {
    const initiator = initiatorOf(task.gpid ?? '')
    const peer = initiator && this.#peerOf(initiator.nodeId)
    if (peer === undefined || this.#waiting >= this.#options.limit) {
      // Seen it was all the same, and those like it in its transaction are asked for with how many were.
      if (initiator !== undefined && task.place !== undefined) this.#placeOf(textHash(task.text), task.place)
      return this.#ended(what, { unresolved: initiator === undefined ? 'no-metadata' : 'full' })
    }
    const since = this.#options.clock.now()
    this.#waiting += 1
    peer.add({ ask: this.#askOf(task), what, since, next: since, tries: 0 })
  }

  /** Gives up all that wait. */
  end(): void {
    for (const peer of this.#peers.values()) peer.giveUp(Infinity)
  }

  /** Asks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, own, addresses, from, random, request, patience } = this.#options
    const counted: LinkRequest = async (url, late) => {
      this.#asked += 1
      return await request(url, late)
    }
    const now = (): number => clock.now()
    while (!signal.aborted) {
      for (const [node, peer] of this.#peers) {
        if (node === own.nodeId()) this.#askOwn(peer)
        else void peer.talk({ address: addresses().get(node), from: from(), now, random, request: counted }, signal)
        peer.giveUp(now() - patience)
        if (peer.waiting.size === 0 && !addresses().has(node)) this.#peers.delete(node)
      }
      await clock.sleep(every, signal)
    }
  }

  #ended(what: T, outcome: LinkOutcome): void {
    if ('link' in outcome) this.#resolved[outcome.link.method] = (this.#resolved[outcome.link.method] ?? 0) + 1
    else this.#unresolved[outcome.unresolved] = (this.#unresolved[outcome.unresolved] ?? 0) + 1
    this.#options.onEnd(what, outcome)
  }

  #askOwn(peer: LinkPeer<T>): void {
    const { clock, own } = this.#options
    const here = { offset: 0, uncertainty: 0 }
    const due = ({ next }: WaitingTask<T>): boolean => next <= clock.now()
    // Tasks that this node sent to itself: any of its names may be in the command.
    for (const task of [...peer.waiting].filter(due))
      peer.answer(task, own.store.resolve(task.ask, { ...here, from: undefined }), here, clock.now())
  }

  #peerOf(node: string): LinkPeer<T> | undefined {
    const known = this.#peers.get(node)
    if (known !== undefined || this.#peers.size >= mostPeers) return known
    const peer = new LinkPeer<T>((what, outcome) => {
      this.#waiting -= 1
      this.#ended(what, outcome)
    })
    this.#peers.set(node, peer)
    return peer
  }

  #askOf({ gpid = '', startedAt, endedAt, text, place, context }: Statement): LinkAsk {
    const hash = textHash(text)
    const { traceId, spanId } = context ?? {}
    return {
      gpid,
      startedAt,
      endedAt,
      text: hash,
      place: place && this.#placeOf(hash, place),
      context: traceId === undefined || spanId === undefined ? undefined : { traceId, spanId },
    }
  }

  /** With how often the text was seen, which is read when it is asked for: more may have been seen by then. */
  #placeOf(text: string, { transaction: name, nth }: Place): LinkAsk['place'] {
    const transaction = textHash(name)
    const [counts, key] = [this.#seen, `${transaction}${text}`]
    counts.set(key, Math.max(nth + 1, counts.get(key) ?? 0))
    // Who is forgotten is taken for seen less often, which makes nothing exact that is not.
    for (const [oldest] of counts) {
      if (counts.size <= mostCounted) break
      counts.delete(oldest)
    }
    return {
      transaction,
      nth,
      get seen() {
        return counts.get(key) ?? nth + 1
      },
    }
  }
}
