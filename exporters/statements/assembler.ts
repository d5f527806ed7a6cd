// Records of the server's log -> the statements that they tell of. Knows no clock but that of the records.
import { callerOf } from './caller.ts'
import { durationLine } from './duration-line.ts'
import type { DurationLine } from './duration-line.ts'
import { isUpkeep, sessionCommands } from './session-commands.ts'
import { SessionLog, tellsOfCommand } from './session-log.ts'
import type { LogRecord, RemoteCommand, Statement } from './statement.ts'
import { textHash } from './text-hash.ts'
import { TransactionTexts } from './transaction-texts.ts'

/** What the assembler is to know and how much it may keep. */
export interface AssemblerOptions {
  /** The setting of PostgreSQL in which applications put their traceparent. */
  readonly setting?: string
  /** Sessions that are remembered; the one that was silent longest is forgotten first. */
  readonly sessions?: number
  /** Characters of one session, and of all; of more what Citus did for a statement is not told, and then sessions are forgotten. */
  readonly sessionSize?: number
  readonly size?: number
  /** Texts in distributed transactions that are counted at a time. */
  readonly texts?: number
}

/** What could not be told, since the start. */
export interface AssemblerLosses {
  /** Sessions that were forgotten for want of room in the middle of something; most of those that are silent longest have ended. */
  sessions: number
  /** Commands of Citus that were not kept for their statement. */
  commands: number
}

/** A plan in the extended protocol is told after its statement; for so long it is waited for, milliseconds. */
const planDelay = 100
/** Longer plans are not kept, characters. */
const longestPlan = 262_144
const mostStale = 64

/** Made for the log of one server; its records must come in the order in which they were written. */
export class Assembler {
  readonly losses: AssemblerLosses = { sessions: 0, commands: 0 }
  readonly #setting: string
  readonly #limits: { readonly sessions: number; readonly sessionSize: number; readonly size: number }
  readonly #texts: TransactionTexts
  /** By session id, the one that was silent longest first. */
  readonly #sessions = new Map<string, SessionLog>()
  /** The last one of each backend. */
  readonly #backends = new Map<number, SessionLog>()
  /** Statements that wait for their plan, oldest first. */
  readonly #held = new Set<SessionLog>()
  #size = 0
  /** Whether this server's log has plans at all: only then is there anything to wait for. */
  #hasPlans = false

  constructor({
    setting = 'app.traceparent',
    sessions = 10_000,
    sessionSize = 262_144,
    size = 33_554_432,
    texts = 100_000,
  }: AssemblerOptions = {}) {
    this.#setting = setting.toLowerCase()
    this.#limits = { sessions, sessionSize, size }
    this.#texts = new TransactionTexts(texts)
  }

  /** The statements that are known to have ended by this record, mostly none or one. */
  push(record: LogRecord): readonly Statement[] {
    const ended: Statement[] = this.#held.size > 0 ? this.flush(record.at - planDelay) : []
    if (record.backendType !== 'client backend' || record.application.startsWith('citus-sidecar/')) return ended
    const session = this.#sessions.get(record.session) ?? new SessionLog()
    const before = this.#sessions.delete(record.session) ? session.size : 0
    this.#sessions.set(record.session, session)
    this.#backends.set(record.pid, session)
    this.#note(session, record, ended)
    this.#size += session.size - before
    if (record.severity === 'FATAL') this.#drop(record.session, session, ended)
    this.#forget(ended)
    return ended
  }

  /** Commands of the statement that a backend has not ended. */
  running(pid: number): readonly Pick<RemoteCommand, 'text' | 'issuedAt'>[] {
    const session = this.#backends.get(pid)
    // One that waits for its plan is not told yet.
    return session === undefined ? [] : [...(session.held?.commands ?? []), ...session.running]
  }

  /** The statements that ended before then and wait for a plan that will not come, milliseconds since 1970. */
  flush(before: number): Statement[] {
    const ended: Statement[] = []
    for (const session of this.#held) {
      if ((session.held?.endedAt ?? 0) > before) break
      const { size } = session
      this.#release(session, ended)
      this.#size += session.size - size
    }
    return ended
  }

  #note(session: SessionLog, record: LogRecord, ended: Statement[]): void {
    const { severity, message } = record
    if (severity === 'LOG') {
      const line = durationLine(message)
      if (line !== undefined) this.#duration(session, record, line, ended)
    } else if (
      severity === 'ERROR' ||
      ((severity === 'FATAL' || severity === 'PANIC') && record.statement !== undefined)
    ) {
      this.#release(session, ended)
      ended.push(this.#failed(session, record))
    } else if (severity === 'NOTICE' && tellsOfCommand(record)) {
      if (!session.issued(record, this.#texts, this.#limits.sessionSize)) this.losses.commands += 1
    }
  }

  #duration(session: SessionLog, record: LogRecord, line: DurationLine, ended: Statement[]): void {
    const { part, text, named } = line
    if (part === 'plan') return this.#plan(session, text, ended)
    if (part === 'parse' || part === 'bind') {
      if (part === 'bind') this.#release(session, ended)
      if (named && session.stale.size < mostStale && text.includes('traceparent')) session.stale.add(textHash(text))
      session.step(line, record.at)
    } else if (part === 'text') session.said = { text, named, at: record.at }
    else {
      this.#release(session, ended)
      // What came before is then a plan of a statement that is long told.
      if (part !== 'statement' && part !== 'plain') session.plan = undefined
      const { said } = session
      // log_duration, where no other setting says the text.
      if (part === 'plain' && said === undefined) return
      const statement = this.#done(
        session,
        record,
        part === 'plain' && said !== undefined ? { ...line, ...said } : line,
      )
      const waits = this.#hasPlans && part === 'execute' && statement.plan === undefined
      if (!waits) return void ended.push(statement)
      session.held = statement
      this.#held.add(session)
    }
  }

  /** A plan belongs to the statement whose text it repeats, be it one that ended or one that will. */
  #plan(session: SessionLog, plan: string, ended: Statement[]): void {
    this.#hasPlans = true
    if (plan.length > longestPlan) return
    if (session.held === undefined || !isPlanOf(plan, session.held.text)) session.plan = plan
    else {
      session.held = { ...session.held, plan }
      this.#release(session, ended)
    }
  }

  #release(session: SessionLog, ended: Statement[]): void {
    if (session.held === undefined) return
    ended.push(session.held)
    session.held = undefined
    this.#held.delete(session)
  }

  /** A statement that ended well. */
  #done(session: SessionLog, record: LogRecord, { part, text, named, ms }: DurationLine): Statement {
    const begin = record.at - ms
    const found = session.steps
    const steps =
      part !== 'statement' && part !== 'fetch' && found !== undefined && session.stepsBelong(found, text, begin)
        ? found
        : undefined
    const commands = sessionCommands(text, this.#setting)
    const { distributed } = session.transaction
    const setting = session.transaction.apply(commands)
    return this.#made(session, record, {
      text,
      prepared: named,
      failed: undefined,
      setting,
      startedAt: steps?.startedAt ?? begin,
      startEstimated: false,
      parseMs: steps?.parseMs,
      bindMs: steps?.bindMs,
      distributed: part === 'fetch' ? undefined : distributed,
    })
  }

  /** A statement that failed has no duration: when it began says a line before, or nobody. */
  #failed(session: SessionLog, record: LogRecord): Statement {
    const { steps: found, said } = session
    const steps =
      found !== undefined &&
      (record.statement ?? found.text) === found.text &&
      (found.bindMs !== undefined || !found.named)
        ? found
        : undefined
    const text = record.statement ?? steps?.text ?? ''
    const known = steps?.startedAt ?? (said?.text === text ? said.at : undefined)
    // In a transaction an application rarely waits for long; outside, its pause would be taken for the statement.
    const guess = Math.min(session.firstIssued ?? record.at, session.transaction.isOpen ? session.lastEnd : record.at)
    const { distributed, setting } = session.transaction
    session.transaction.fail(sessionCommands(text, this.#setting))
    return this.#made(session, record, {
      text,
      prepared: steps?.named ?? (session.stale.size > 0 && session.stale.has(textHash(text))),
      failed: record.code ?? 'XX000',
      setting,
      distributed,
      startedAt: known ?? Math.max(guess, session.lastEnd),
      startEstimated: known === undefined,
      parseMs: steps?.parseMs,
      bindMs: steps?.bindMs,
    })
  }

  #made(session: SessionLog, record: LogRecord, made: Made): Statement {
    const { pid, line, sessionStart, user, database, application, queryId, at } = record
    const { setting, distributed, text, prepared, failed, startedAt, startEstimated, parseMs, bindMs } = made
    const [kind, gpid] = senderOf(application, text)
    const plan = session.plan !== undefined && isPlanOf(session.plan, text) ? session.plan : undefined
    const place = kind === 'task' && distributed !== undefined ? this.#texts.place(distributed, '', text) : undefined
    session.steps = session.said = session.plan = undefined
    session.lastEnd = at
    // Each part by its name, for what is spread takes more memory, and many statements wait.
    return {
      text,
      prepared,
      failed,
      startedAt,
      startEstimated,
      parseMs,
      bindMs,
      kind,
      record: { pid, session: record.session, line, sessionStart, user, database, application },
      gpid,
      queryId: queryId === '0' ? undefined : queryId,
      endedAt: at,
      context: callerOf({ text, prepared, application, setting }),
      commands: session.takeIssued(at),
      place,
      plan,
    }
  }

  #forget(ended: Statement[]): void {
    for (const [id, session] of this.#sessions) {
      if (this.#sessions.size <= this.#limits.sessions && this.#size <= this.#limits.size) return
      if (session.isBusy) this.losses.sessions += 1
      this.#drop(id, session, ended)
    }
  }

  #drop(id: string, session: SessionLog, ended: Statement[]): void {
    const { size } = session
    // What waits for its plan has ended all the same.
    this.#release(session, ended)
    this.#sessions.delete(id)
    // A session's id is when it began and its pid: https://www.postgresql.org/docs/current/runtime-config-logging.html
    const pid = Number.parseInt(id.slice(id.indexOf('.') + 1), 16)
    if (this.#backends.get(pid) === session) this.#backends.delete(pid)
    this.#size -= size
  }
}

type Made = Pick<Statement, 'text' | 'prepared' | 'failed' | 'startedAt' | 'startEstimated' | 'parseMs' | 'bindMs'> & {
  readonly setting: Parameters<typeof callerOf>[0]['setting']
  readonly distributed: string | undefined
}

/** https://github.com/citusdata/citus/blob/v13.2.0/src/include/distributed/connection_management.h */
const byCitus = /^citus_(internal|rebalancer|run_command) gpid=(\d{1,20})$/
/** What Citus asks for itself: deadlocks, transactions left behind, moves of shards. */
const ownQuestions = /\b(?:dump_(?:local|global)_wait_edges|pg_prepared_xacts|get_rebalance_progress)/

/** Who sent a statement, by application_name: moves of shards are upkeep, run_command_on_workers() runs what a client says. */
function senderOf(application: string, text: string): readonly [kind: Statement['kind'], gpid: string | undefined] {
  const [, sender, gpid] = application.startsWith('citus_') ? (byCitus.exec(application) ?? []) : []
  if (sender === undefined) return ['client', undefined]
  const isInternal = sender === 'rebalancer' || isUpkeep(text) || ownQuestions.test(text)
  return [isInternal ? 'internal' : 'task', gpid]
}

/** A plan begins with the text, as it is or as JSON. */
function isPlanOf(plan: string, text: string): boolean {
  const head = plan.slice(0, text.length * 6 + 64)
  const begins = (at: number): boolean => at >= 0 && at < 64
  return begins(head.indexOf(text)) || begins(head.indexOf(JSON.stringify(text).slice(1, -1)))
}
