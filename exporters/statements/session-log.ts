// What is known of one session between two of its lines.
import type { DurationLine } from './duration-line.ts'
import { isUpkeep, sessionCommands } from './session-commands.ts'
import { SessionTransaction } from './session-transaction.ts'
import type { LogRecord, RemoteCommand, Statement } from './statement.ts'
import type { TransactionTexts } from './transaction-texts.ts'

/** Steps of the extended protocol that may belong to the statement that ends next. */
export interface Steps {
  readonly text: string
  readonly named: boolean
  readonly startedAt: number
  readonly endedAt: number
  readonly parseMs: number | undefined
  readonly bindMs: number | undefined
}

/** A command that Citus issued and that has not ended. */
type Issued = { -readonly [key in keyof RemoteCommand]: RemoteCommand[key] }

/** The commands of most statements, once for all of them. */
const none: readonly RemoteCommand[] = []

export class SessionLog {
  readonly transaction = new SessionTransaction()
  /** When its last statement ended. */
  lastEnd = 0
  steps: Steps | undefined
  /** A text that log_statement told before it ran, and when. */
  said: { readonly text: string; readonly named: boolean; readonly at: number } | undefined
  /** A plan whose statement has not ended yet. */
  plan: string | undefined
  /** A statement that ended, and whose plan may come yet. */
  held: Statement | undefined
  /** textHash() of named statements with a trace context, which will be stale. */
  readonly stale = new Set<string>()
  #issued: Issued[] = []
  /** Characters of their texts. */
  #issuedSize = 0
  /** The distributed transaction on each connection to another node. */
  readonly #connections = new Map<string, string>()

  /** Characters that are kept for it. */
  get size(): number {
    const { steps, said, plan, held } = this
    return (
      500 +
      100 * (this.stale.size + this.#connections.size) +
      this.#issuedSize +
      (steps?.text.length ?? 0) +
      (said?.text.length ?? 0) +
      (plan?.length ?? 0) +
      (held?.text.length ?? 0)
    )
  }

  /** Whether something has begun that would not be known any more: what it sends later could not be told from what it sent before. */
  get isBusy(): boolean {
    return this.transaction.isOpen || this.#issued.length > 0 || this.#connections.size > 0
  }

  /** Notes `issuing <text>` and `executing the command locally: <text>`; false where there is no room for it. */
  issued({ at, message, detail }: LogRecord, texts: TransactionTexts, room: number): boolean {
    const text = message.slice(message.startsWith(issuing) ? issuing.length : locally.length)
    const [, server, connection] = onServer.exec(detail ?? '') ?? []
    const former = this.#issued.findLast((one) => one.connection === connection)
    if (former !== undefined && former.endedAt < 0) former.endedAt = at
    const upkeep = isUpkeep(text)
    if (upkeep && connection !== undefined) this.#follow(connection, text)
    if (upkeep) return true
    const transaction = connection === undefined ? undefined : this.#connections.get(connection)
    // Counted in any case, for the node that runs it counts it.
    const place = transaction === undefined ? undefined : texts.place(transaction, server ?? '', text)
    if (this.#issuedSize + text.length > room) return false
    this.#issuedSize += text.length + 200
    this.#issued.push({ text, issuedAt: at, endedAt: -1, server, connection, place })
    return true
  }

  /** The commands of the statement that ends now, milliseconds since 1970. */
  takeIssued(endedAt: number): readonly RemoteCommand[] {
    const commands = this.#issued
    if (commands.length === 0) return none
    for (const command of commands) if (command.endedAt < 0) command.endedAt = endedAt
    this.#issued = []
    this.#issuedSize = 0
    return commands
  }

  /** Those of the statement that has not ended. */
  get running(): readonly RemoteCommand[] {
    return this.#issued
  }

  /** When the first of them was issued. */
  get firstIssued(): number | undefined {
    return this.#issued[0]?.issuedAt
  }

  #follow(connection: string, text: string): void {
    for (const command of sessionCommands(text, '')) {
      if (command.does === 'assign') this.#connections.set(connection, command.transaction)
      else if (command.does === 'commit' || command.does === 'rollback' || command.does === 'prepare')
        this.#connections.delete(connection)
    }
    if (this.#connections.size > mostConnections)
      for (const oldest of this.#connections.keys().take(1)) this.#connections.delete(oldest)
  }

  /** Notes a step of the extended protocol that ended at `at`. */
  step({ part, text, named, ms }: DurationLine, at: number): void {
    const former = this.steps !== undefined && this.stepsBelong(this.steps, text, at - ms) ? this.steps : undefined
    this.steps = {
      text,
      named,
      startedAt: former?.startedAt ?? at - ms,
      endedAt: at,
      parseMs: part === 'parse' ? ms : former?.parseMs,
      bindMs: part === 'bind' ? ms : undefined,
    }
  }

  /** Whether steps of that text go right before what began then, and no round trip to the application lies between. */
  stepsBelong(steps: Steps, text: string, begin: number): boolean {
    return steps.text === text && begin - steps.endedAt <= atOnce
  }
}

const issuing = 'issuing '
const locally = 'executing the command locally: '
const onServer = /^on server .*@(\S{1,255}:\d{1,5}) connectionId: (\d{1,20})$/
/** Connections of a session with an open transaction; citus.max_adaptive_executor_pool_size a node, and there are more nodes than that. */
const mostConnections = 4_096
/** Steps that follow each other lie less apart, milliseconds: their ends are told to the millisecond. */
const atOnce = 5

/** Whether a notice tells of a command of Citus; an application may say of something else that it is issuing it, and its words are told to nobody. */
export function tellsOfCommand({ message, detail }: Pick<LogRecord, 'message' | 'detail'>): boolean {
  return message.startsWith(issuing) ? onServer.test(detail ?? '') : message.startsWith(locally)
}
