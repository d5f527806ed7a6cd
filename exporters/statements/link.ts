// The words in which a task, a command that Citus sent to this node, asks the node that sent it which span is its parent.

/** How a parent was found; `command` and `context` are exact, `time` is approximate. */
export type LinkMethod = 'command' | 'context' | 'time'

/** Why an initiator's sidecar cannot tell a parent. */
export const unknownReasons = {
  elsewhere: 'the backend is not one of this node',
  unseen: 'the log of that time was not read, not whole, or is forgotten',
  ambiguous: 'several may be the parent, and the clocks cannot tell which',
  short: 'the task is too short for what is known of the clocks',
  'no-statement': 'no statement of that time was logged',
} as const

export type UnknownReason = keyof typeof unknownReasons

/** What is told of a task, and nothing of its text but a hash; times in milliseconds since 1970, with fractions. */
export interface LinkAsk {
  /** Of the backend that began the distributed statement. */
  readonly gpid: string
  readonly startedAt: number
  readonly endedAt: number
  /** textHash() of the task as it was logged. */
  readonly text: string
  readonly place: AskedPlace | undefined
  /** What the task itself carries. */
  readonly context: { readonly traceId: string; readonly spanId: string } | undefined
}

export interface AskedPlace {
  /** textHash() of Place.transaction. */
  readonly transaction: string
  /** As in Place. */
  readonly nth: number
  /** How often this node has seen this text in this transaction by now. */
  readonly seen: number
}

/** Asks in the clock of who is asked. */
export interface AskBatch {
  readonly asks: readonly LinkAsk[]
  /** How far the times may be off, milliseconds. */
  readonly uncertainty: number
  /** `host:port` of the node that asks, as Citus names it; undefined where that is not known. */
  readonly from: string | undefined
}

/** The parent of a task; times in the clock of the initiator. */
export interface Link {
  readonly method: LinkMethod
  readonly traceId: string
  /** Of the command's CLIENT span where that is known, of the statement's SERVER span else; of the caller's where it is not sure which statement of its trace it was. */
  readonly spanId: string
  readonly sampled: boolean
  readonly startedAt: number
  readonly endedAt: number
}

/** `pending`: a statement that may be the parent has not ended. */
export type LinkAnswer = Link | { readonly pending: true } | { readonly unknown: UnknownReason }

/** Answers in the order of the asks, with when this process received and answered them; milliseconds since 1970. */
export interface LinkAnswers {
  readonly receivedAt: number
  readonly sentAt: number
  readonly answers: readonly LinkAnswer[]
}
