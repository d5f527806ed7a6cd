// What the server's log tells of one statement. Texts and literals are in here: nothing of it leaves the thread that reads the log but
// what shape.ts made of it, ids and numbers.

/** Of a caller, https://www.w3.org/TR/trace-context/#traceparent-header. */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  /** The caller's flag `sampled`; a wish, never an order. */
  readonly sampled: boolean
}

/** Where a context was found, in the order in which they are believed. */
export type ContextSource = 'comment' | 'application_name' | 'guc'

/**
 * One line of jsonlog: https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG.
 * Numbers of 64 bits are decimal text, because a number of JavaScript rounds them.
 */
export interface LogRecord {
  /** When it was written, milliseconds since 1970; of a statement that is its end. */
  readonly at: number
  readonly pid: number
  readonly session: string
  /** Rises by one with each line of a session. */
  readonly line: number
  /** Milliseconds since 1970, to the second. */
  readonly sessionStart: number
  readonly user: string | undefined
  readonly database: string | undefined
  readonly application: string
  readonly backendType: string
  readonly severity: string
  /** SQLSTATE. */
  readonly code: string | undefined
  readonly message: string
  readonly detail: string | undefined
  /** The text of the statement that failed, whole. */
  readonly statement: string | undefined
  readonly queryId: string | undefined
  /** Whether the line was too long to be kept whole, so that its texts end early. */
  readonly cut: boolean
}

/** A command that Citus sent to a node, or ran here in its place, for a statement (citus.log_remote_commands, citus.log_local_commands). */
export interface RemoteCommand {
  readonly text: string
  /** Milliseconds since 1970: when it was issued, and when the next one on that connection or the end of its statement was seen. */
  readonly issuedAt: number
  readonly endedAt: number
  /** `host:port` as Citus names it; undefined where it ran here. */
  readonly server: string | undefined
  readonly connection: string | undefined
  readonly place: Place | undefined
}

/** Where in its distributed transaction a command stands: the same on both nodes, whatever their clocks say. */
export interface Place {
  /** Of assign_distributed_transaction_id: initiator, number and time, as written in the command. */
  readonly transaction: string
  /** How often the same text came before in this transaction on this node. */
  readonly nth: number
}

/** A statement that ended, well or not. */
export interface Statement {
  /** `client`: of an application; `task`: sent by Citus from the initiator; `internal`: of Citus' own upkeep. */
  readonly kind: 'client' | 'task' | 'internal'
  readonly record: Pick<LogRecord, 'pid' | 'session' | 'line' | 'sessionStart' | 'user' | 'database' | 'application'>
  /** The backend that began the distributed statement, by Citus' global number; undefined for `client`. */
  readonly gpid: string | undefined
  readonly text: string
  readonly queryId: string | undefined
  /** Whether the text is that of a named prepared statement, parsed who knows when. */
  readonly prepared: boolean
  /** Milliseconds since 1970, with fractions. */
  readonly startedAt: number
  readonly endedAt: number
  /** Whether nobody knows when it began, so that startedAt is a guess. */
  readonly startEstimated: boolean
  /** Milliseconds of each part, where the server told them apart. */
  readonly parseMs: number | undefined
  readonly bindMs: number | undefined
  /** SQLSTATE of what it failed with. */
  readonly failed: string | undefined
  readonly context: (TraceContext & { readonly source: ContextSource }) | undefined
  /** What Citus did for it elsewhere and here, as far as that is logged. */
  readonly commands: readonly RemoteCommand[]
  readonly place: Place | undefined
  /** What auto_explain said, as it said it. */
  readonly plan: string | undefined
}

/** What may be told of a statement: no literal, no comment, tables by their logical names. */
export interface Shape {
  /** The same for statements that differ in literals and shards alone. */
  readonly id: string
  /** `SELECT orders`: https://opentelemetry.io/docs/specs/semconv/db/database-spans/#generating-a-summary-of-the-query */
  readonly summary: string
  /** Sanitized. */
  readonly text: string
  /** Shards that are named in it, decimal. */
  readonly shards: readonly string[]
}
