// What an initiator remembers of the statements that ended here, so that the nodes to which it sent tasks can ask for their parents.
import { initiatorOf } from './gpid.ts'
import { parentOf } from './link-match.ts'
import type { KnownCommand, KnownStatement } from './link-match.ts'
import type { AskBatch, LinkAnswer, LinkAsk } from './link.ts'
import type { Statement } from './statement.ts'
import { textHash } from './text-hash.ts'

/** The spans of a statement, whether or not they are told to anybody. */
export interface StatementIds {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
  /** Of the CLIENT spans, as many as the statement has commands; undefined for one that has none. */
  readonly commandSpans: readonly (string | undefined)[]
}

export interface LinkStoreOptions {
  /** Citus' id of this node; undefined before it is registered. */
  readonly nodeId: () => string | undefined
  /** Commands of the statement that a backend has not ended, those read from the log last included. */
  readonly running: (pid: number) => readonly { readonly text: string; readonly issuedAt: number }[]
  /** When the log began to be read, milliseconds since 1970. */
  readonly since: number
  /** Statements and their commands that are remembered, together. */
  readonly limit: number
  /** How long, milliseconds. */
  readonly keepFor: number
}

/** How far a time of the log may be from the clock: both nodes' logs end at whole milliseconds, and so may their clocks. */
const stamps = 3

/** When a transaction began, as assign_distributed_transaction_id was told; undefined where that is written in another way. */
function beganAt(transaction: string): number | undefined {
  const [, date, time, zone, minutes = ':00'] =
    /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:\d\d)?\b/.exec(transaction) ?? []
  const at = Date.parse(`${date}T${time}${zone}${minutes}`)
  return Number.isNaN(at) ? undefined : at
}

function known(statement: Statement, { traceId, spanId, sampled, commandSpans }: StatementIds): KnownStatement {
  const { startedAt, endedAt, startEstimated } = statement
  const commands = statement.commands.flatMap((command, index): readonly KnownCommand[] => {
    const { text, server, connection, place, issuedAt } = command
    // What ran here in place of another node is no task of anybody.
    if (server === undefined) return []
    const transaction = place && { id: textHash(place.transaction), beganAt: beganAt(place.transaction) }
    const span = commandSpans[index] ?? spanId
    return [{ text: textHash(text), server, connection, transaction, issuedAt, endedAt: command.endedAt, spanId: span }]
  })
  const failed = statement.failed !== undefined
  const callersTrace = statement.context?.traceId
  return { startedAt, endedAt, startEstimated, traceId, spanId, sampled, failed, callersTrace, commands }
}

export class LinkStore {
  readonly #options: LinkStoreOptions
  readonly #backends = new Map<number, KnownStatement[]>()
  /** The backends of all statements in the order in which they came: who is forgotten first. */
  #order: number[] = []
  #forgotten = 0
  #size = 0
  #wholeSince: number
  #readUpTo = -Infinity

  constructor(options: LinkStoreOptions) {
    this.#options = options
    this.#wholeSince = options.since
  }

  /** Statements and commands that are remembered. */
  get size(): number {
    return this.#size
  }

  /** A client's statement ended; to be told before the assembler stops calling its commands running. */
  add(statement: Statement, ids: StatementIds): void {
    const { pid } = statement.record
    const one = known(statement, ids)
    const statements = this.#backends.get(pid)
    if (statements === undefined) this.#backends.set(pid, [one])
    else statements.push(one)
    this.#order.push(pid)
    this.#size += 1 + one.commands.length
    this.#forget(one.endedAt)
  }

  /** Every line that was written before this moment has been read, milliseconds since 1970. */
  read(upTo: number): void {
    this.#readUpTo = Math.max(this.#readUpTo, upTo)
    this.#forget(this.#readUpTo)
  }

  /** Lines that were written until this moment may be lost, milliseconds since 1970: no link of that time is exact. */
  lost(until: number): void {
    this.#wholeSince = Math.max(this.#wholeSince, until)
  }

  /** The parent of a task, whose times are in this node's clock. */
  resolve(ask: LinkAsk, { uncertainty, from }: Pick<AskBatch, 'uncertainty' | 'from'>): LinkAnswer {
    const initiator = initiatorOf(ask.gpid)
    if (initiator === undefined || initiator.nodeId !== this.#options.nodeId()) return { unknown: 'elsewhere' }
    const { pid } = initiator
    return parentOf(ask, {
      statements: this.#backends.get(pid) ?? [],
      running: this.#options.running(pid).map(({ text, issuedAt }) => ({ text: textHash(text), issuedAt })),
      wholeSince: this.#wholeSince,
      readUpTo: this.#readUpTo,
      slack: uncertainty + stamps,
      from,
    })
  }

  #forget(now: number): void {
    const { limit, keepFor } = this.#options
    for (;;) {
      const pid = this.#order[this.#forgotten]
      const statements = pid === undefined ? undefined : this.#backends.get(pid)
      const oldest = statements?.[0]
      if (pid === undefined || statements === undefined || oldest === undefined) return
      if (this.#size <= limit && oldest.endedAt >= now - keepFor) return
      statements.shift()
      if (statements.length === 0) this.#backends.delete(pid)
      this.#size -= 1 + oldest.commands.length
      this.#forgotten += 1
      this.lost(oldest.endedAt)
      // Half of it is over: moved once for as many as were forgotten.
      if (this.#forgotten * 2 > this.#order.length) {
        this.#order = this.#order.slice(this.#forgotten)
        this.#forgotten = 0
      }
    }
  }
}
