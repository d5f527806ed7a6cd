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
  /** Commands by the transactions in which they were issued. */
  readonly #transactions = new Map<string, KnownCommand[]>()
  /** The backends of all statements in the order in which they came: who is forgotten first. */
  readonly #order: number[] = []
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
    for (const command of one.commands) this.#remember(command)
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
      sentIn: (transaction) => this.#transactions.get(transaction) ?? [],
      running: this.#options.running(pid).map(({ text, issuedAt }) => ({ text: textHash(text), issuedAt })),
      wholeSince: this.#wholeSince,
      readUpTo: this.#readUpTo,
      slack: uncertainty + stamps,
      from,
    })
  }

  #remember(command: KnownCommand): void {
    if (command.transaction === undefined) return
    const sent = this.#transactions.get(command.transaction.id)
    if (sent === undefined) this.#transactions.set(command.transaction.id, [command])
    else sent.push(command)
  }

  /** The first of its transaction that is remembered. */
  #forgetCommand({ transaction }: KnownCommand): void {
    const sent = transaction && this.#transactions.get(transaction.id)
    sent?.shift()
    if (transaction !== undefined && sent?.length === 0) this.#transactions.delete(transaction.id)
  }

  /** Forgets a tenth at a time, so that long lists are moved up rarely. */
  #forget(now: number): void {
    const { limit, keepFor } = this.#options
    const isFull = this.#size > limit
    if (!isFull && this.#oldestEnd >= now - keepFor * 1.1) return
    const room = isFull ? limit * 0.9 : limit
    const gone = new Map<number, number>()
    let [count, size] = [0, this.#size]
    for (const pid of this.#order) {
      const nth = gone.get(pid) ?? 0
      const oldest = this.#backends.get(pid)?.[nth]
      if (oldest === undefined || (size <= room && oldest.endedAt >= now - keepFor)) break
      for (const command of oldest.commands) this.#forgetCommand(command)
      this.lost(oldest.endedAt)
      size -= 1 + oldest.commands.length
      count += 1
      gone.set(pid, nth + 1)
    }
    this.#size = size
    this.#order.splice(0, count)
    for (const [pid, number] of gone) {
      const statements = this.#backends.get(pid)
      statements?.splice(0, number)
      if (statements?.length === 0) this.#backends.delete(pid)
    }
  }

  /** When the oldest ended; never where there is none. */
  get #oldestEnd(): number {
    const [pid] = this.#order
    return (pid === undefined ? undefined : this.#backends.get(pid)?.[0]?.endedAt) ?? Infinity
  }
}
