// Which of a backend's statements sent a task. A link that is called exact is right whatever lines were lost and whatever the clocks say
// within their bounds; whoever cannot be sure says less.
import type { Link, LinkAnswer, LinkAsk, LinkMethod } from './link.ts'
import { isStray } from './stray.ts'

/** A statement of this node that ended, as far as links need it; times in milliseconds since 1970. */
export interface KnownStatement {
  readonly startedAt: number
  readonly endedAt: number
  readonly startEstimated: boolean
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
  readonly failed: boolean
  /** Of its caller. */
  readonly callersTrace: string | undefined
  readonly commands: readonly KnownCommand[]
}

export interface KnownCommand {
  /** textHash() of it. */
  readonly text: string
  readonly server: string
  readonly connection: string | undefined
  readonly transaction: { readonly id: string; readonly beganAt: number | undefined } | undefined
  readonly issuedAt: number
  readonly endedAt: number
  readonly spanId: string
}

/** What this node knows of one backend. */
export interface KnownBackend {
  /** In the order in which they ended; a backend has one at a time. */
  readonly statements: readonly KnownStatement[]
  /** All commands of a transaction, in the order in which they were issued. */
  readonly sentIn: (transaction: string) => readonly KnownCommand[]
  /** Commands of a statement that has not ended. */
  readonly running: readonly Pick<KnownCommand, 'text' | 'issuedAt'>[]
  /** Since when every line of the log was read and is remembered, milliseconds since 1970. */
  readonly wholeSince: number
  /** Up to when it was read. */
  readonly readUpTo: number
  /** How far the times of the ask may be from those here, milliseconds. */
  readonly slack: number
  /** `host:port` of who asks; undefined for anybody. */
  readonly from: string | undefined
}

/** A statement that has not ended this long after a task of it may be a long one, or one that is never logged, milliseconds. */
const settled = 2_000

/** A task may begin this long after its command was given up, or was issued, milliseconds. */
const underWay = 1_000

const pending = { pending: true } as const

interface Candidate {
  readonly statement: KnownStatement
  readonly command: KnownCommand
}

/** The parent of a task, by the best method that applies. */
export function parentOf(ask: LinkAsk, known: KnownBackend): LinkAnswer {
  if (known.readUpTo < ask.startedAt + known.slack) return pending
  const near = around(ask, known)
  return byCommand(ask, known, near) ?? byContext(ask, known, near) ?? byTime(ask, known, near)
}

/** The statements that may have sent a task: a task begins after its statement, and not long after the end of that. */
function around(ask: LinkAsk, { statements, slack }: KnownBackend): readonly KnownStatement[] {
  const earliest = ask.startedAt - slack - underWay
  let [low, high] = [0, statements.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((statements[middle]?.endedAt ?? 0) < earliest) low = middle + 1
    else high = middle
  }
  let end = low
  while ((statements[end]?.startedAt ?? Infinity) <= ask.startedAt + slack) end += 1
  return statements.slice(low, end)
}

function linkTo(method: LinkMethod, statement: KnownStatement, command?: KnownCommand): Link {
  const { traceId, sampled, spanId, startedAt, endedAt } = statement
  if (command === undefined) return { method, traceId, spanId, sampled, startedAt, endedAt }
  return { method, traceId, spanId: command.spanId, sampled, startedAt: command.issuedAt, endedAt: command.endedAt }
}

/** Whether the task may have begun between these, as far as the clocks tell. */
function mayBegin({ startedAt }: LinkAsk, from: number, to: number, { slack }: KnownBackend): boolean {
  return from - slack <= startedAt && startedAt <= to + slack
}

/** What a failed statement has sent begins, and goes on, after its end. */
function afterlife({ failed }: KnownStatement): number {
  return failed ? underWay : 0
}

/** Those commands with the task's text that may have sent it; the one that did is among them, if its line was read. */
function candidatesOf(ask: LinkAsk, known: KnownBackend, statements: readonly KnownStatement[]): readonly Candidate[] {
  return statements.flatMap((statement) =>
    statement.commands
      .filter(
        (command) =>
          command.text === ask.text &&
          (known.from === undefined || command.server === known.from) &&
          (ask.place === undefined ||
            command.transaction === undefined ||
            command.transaction.id === ask.place.transaction) &&
          mayBegin(ask, command.issuedAt, command.endedAt + afterlife(statement), known),
      )
      .map((command) => ({ statement, command })),
  )
}

/** Whether everything is known that may have sent the task. */
function isWhole({ startedAt }: LinkAsk, { slack, wholeSince }: KnownBackend): boolean {
  return startedAt - slack - underWay >= wholeSince
}

/** Method B. */
function byCommand(ask: LinkAsk, known: KnownBackend, near: readonly KnownStatement[]): LinkAnswer | undefined {
  if (known.running.some(({ text, issuedAt }) => text === ask.text && mayBegin(ask, issuedAt, Infinity, known)))
    return pending
  const [first, ...others] = byPlace(ask, known, candidatesOf(ask, known, near))
  if (first === undefined || isStray(first.statement, first.command)) return undefined
  if (others.length > 0 || !isWhole(ask, known)) return undefined
  return linkTo('command', first.statement, first.command)
}

/**
 * Which of the candidates it can be by its place in the transaction. A node may have missed lines but saw none twice: of `sent` commands
 * with one text it saw `seen`, so that its nth is at least the nth that was sent, and misses at most the difference.
 */
function byPlace(ask: LinkAsk, known: KnownBackend, candidates: readonly Candidate[]): readonly Candidate[] {
  const { place } = ask
  if (place === undefined || candidates.every(({ command }) => command.transaction === undefined)) return candidates
  const sent = known
    .sentIn(place.transaction)
    .filter(({ text, server }) => text === ask.text && (known.from === undefined || server === known.from))
  const [one] = sent
  // Seen whole, and in one order on both sides.
  const inOrder =
    one?.connection !== undefined &&
    sent.every(({ connection }) => connection === one.connection) &&
    candidates.every(({ command }) => command.transaction !== undefined)
  const whole = (one?.transaction?.beganAt ?? -Infinity) >= known.wholeSince
  // Those of a statement that goes on may be of this transaction, too. Seen more often than sent: lines were lost, and nobody said so.
  const missed = sent.length + known.running.filter(({ text }) => text === ask.text).length - place.seen
  if (missed < 0) return []
  if (!inOrder || !whole) return candidates
  return candidates.filter(({ command }) => {
    const nth = sent.indexOf(command)
    return place.nth <= nth && nth <= place.nth + missed
  })
}

/** Whether a statement of which nothing is known yet may have sent the task: none that is known ended surely later. */
function mayRun(ask: LinkAsk, { statements, slack }: KnownBackend): boolean {
  return (statements.at(-1)?.endedAt ?? -Infinity) < ask.startedAt + slack
}

/**
 * The statement in which some moment of the task lies whatever the clocks' error: a backend has one at a time, so there is one at most.
 * A task that lasts longer than twice the error always has such a moment.
 */
function surely(
  ask: LinkAsk,
  statements: readonly KnownStatement[],
  { slack }: KnownBackend,
): KnownStatement | undefined {
  return statements.find(
    ({ startedAt, endedAt }) => Math.max(ask.startedAt, startedAt + slack) <= Math.min(ask.endedAt, endedAt - slack),
  )
}

/** Method C: the trace is what the task says; the statement is told where it is sure, else the caller, who is above all of them. */
function byContext(ask: LinkAsk, known: KnownBackend, near: readonly KnownStatement[]): LinkAnswer | undefined {
  const { context } = ask
  if (context === undefined) return undefined
  const inTrace = near.filter(({ callersTrace }) => callersTrace === context.traceId)
  const sure = surely(ask, inTrace, known)
  const failed = near.some(
    (one) => one !== sure && one.failed && mayBegin(ask, one.startedAt, one.endedAt + underWay, known),
  )
  const exact = sure !== undefined && !sure.startEstimated && !failed && isWhole(ask, known)
  if (exact) return linkTo('context', sure)
  if (mayRun(ask, known) && known.readUpTo < ask.endedAt + settled) return pending
  const possible = inTrace.filter((one) => one.traceId === context.traceId)
  const [first] = possible
  return first === undefined
    ? undefined
    : {
        ...linkTo('context', first),
        spanId: context.spanId,
        startedAt: Math.min(...possible.map(({ startedAt }) => startedAt)),
        endedAt: Math.max(...possible.map(({ endedAt }) => endedAt)),
      }
}

/** Method A. */
function byTime(ask: LinkAsk, known: KnownBackend, near: readonly KnownStatement[]): LinkAnswer {
  const { slack, readUpTo, wholeSince } = known
  const sure = surely(ask, near, known)
  if (sure !== undefined) {
    const [only, other] = candidatesOf(ask, known, [sure])
    return linkTo('time', sure, other === undefined ? only?.command : undefined)
  }
  const possible = near.filter(({ startedAt, endedAt }) => mayBegin(ask, startedAt, endedAt, known))
  const long = ask.endedAt - ask.startedAt > 2 * slack
  if (mayRun(ask, known) && (long || possible.length === 0 || readUpTo < ask.endedAt + settled)) return pending
  if (possible.length > 0) return { unknown: possible.length > 1 ? 'ambiguous' : 'short' }
  return { unknown: ask.startedAt - slack < wholeSince ? 'unseen' : 'no-statement' }
}
