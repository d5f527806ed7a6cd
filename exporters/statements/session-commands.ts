// What a statement changes in its session: transactions, savepoints, the setting for the trace context, the distributed transaction.
import { identifierOf, sqlTokens } from './sql-tokens.ts'
import type { SqlToken } from './sql-tokens.ts'
import { statementsOf } from './sanitize.ts'
import type { TraceContext } from './statement.ts'
import { parseTraceparent } from './traceparent.ts'

/** One such change. */
export type SessionCommand =
  | { readonly does: 'begin' | 'commit' | 'rollback' | 'prepare' | 'other' }
  | { readonly does: 'savepoint' | 'release' | 'rollback to'; readonly name: string }
  | { readonly does: 'set' | 'set local'; readonly context: TraceContext | undefined }
  | { readonly does: 'assign'; readonly transaction: string }

/** Commands of a session, by their first word. */
const words = /^(?:begin|start|commit|end|rollback|abort|prepare|savepoint|release|set|reset|discard)$/

/** What a string of statements changes, in order; nothing for all that works on data. `setting` is the name of the one for the trace context. */
export function sessionCommands(text: string, setting: string): readonly SessionCommand[] {
  return mayChange(text, setting) ? statementsOf(sqlTokens(text)).flatMap((one) => commandsOf(one, setting)) : []
}

/** Whether a string does nothing but begin, set, assign and end. */
export function isUpkeep(text: string): boolean {
  if (!mayChange(text, assigning)) return false
  return statementsOf(sqlTokens(text)).every(
    (one) => words.test(one[0]?.text ?? '') || one.some(({ text: word }) => word === assigning) || one[0]?.text === ';',
  )
}

const assigning = 'assign_distributed_transaction_id'
const firstWord = /^\s*([a-z]+)/i

/** Asked of each statement, so it must be cheap: few have a second one behind a semicolon. */
function mayChange(text: string, setting: string): boolean {
  const first = firstWord.exec(text)?.[1]
  if (first === undefined || words.test(first.toLowerCase())) return true
  const semicolon = text.indexOf(';')
  if (semicolon >= 0 && semicolon < text.length - 1) return true
  return text.includes(assigning) || (text.includes('set_config') && text.includes(setting))
}

function commandsOf(statement: readonly SqlToken[], setting: string): readonly SessionCommand[] {
  const [first, second] = [statement[0]?.text ?? '', statement[1]?.text]
  if (first === 'begin' || first === 'start') return [{ does: 'begin' }]
  if (first === 'commit' || first === 'end') return second === 'prepared' ? [{ does: 'other' }] : [{ does: 'commit' }]
  if (first === 'prepare') return second === 'transaction' ? [{ does: 'prepare' }] : []
  if (first === 'savepoint' || first === 'release') return [{ does: first, name: lastName(statement) }]
  if (first === 'abort' || first === 'rollback') {
    if (second === 'prepared') return [{ does: 'other' }]
    return statement.some(({ text }) => text === 'to')
      ? [{ does: 'rollback to', name: lastName(statement) }]
      : [{ does: 'rollback' }]
  }
  if (first === 'discard' || (first === 'reset' && (second === 'all' || nameAt(statement, 1).name === setting)))
    return [{ does: 'set', context: undefined }]
  if (first === 'set') return settingOf(statement, setting)
  return statement.flatMap(({ text }, at) => calledAt(statement, at, text, setting))
}

/** `SET [LOCAL] name = 'value'`. */
function settingOf(statement: readonly SqlToken[], setting: string): readonly SessionCommand[] {
  const scope = statement[1]?.text
  const { name, end } = nameAt(statement, scope === 'local' || scope === 'session' ? 2 : 1)
  if (name !== setting) return [{ does: 'other' }]
  return [{ does: scope === 'local' ? 'set local' : 'set', context: contextIn(statement[end + 1]) }]
}

/** The two functions that change a session. A value that is a parameter is not known, so that what held before holds no longer. */
function calledAt(
  statement: readonly SqlToken[],
  at: number,
  called: string,
  setting: string,
): readonly SessionCommand[] {
  const argument = (nth: number): SqlToken | undefined => statement[at + 2 * nth]
  if (called === assigning)
    return [{ does: 'assign', transaction: [1, 2, 3].map((nth) => unquoted(argument(nth))).join(',') }]
  if (called !== 'set_config' || unquoted(argument(1)).toLowerCase() !== setting) return []
  return [{ does: argument(3)?.text === 'false' ? 'set' : 'set local', context: contextIn(argument(2)) }]
}

function contextIn(token: SqlToken | undefined): TraceContext | undefined {
  return parseTraceparent(unquoted(token))
}

function unquoted(token: SqlToken | undefined): string {
  return token?.text.replace(/^'|'$/g, '') ?? ''
}

/** A name with its dots, in lower case as settings are. */
function nameAt(statement: readonly SqlToken[], begin: number): { readonly name: string; readonly end: number } {
  let end = begin
  while (end < statement.length && !['=', 'to', ';'].includes(statement[end]?.text ?? '')) end += 1
  return { name: statement.slice(begin, end).map(identifierOf).join('').toLowerCase(), end }
}

function lastName(statement: readonly SqlToken[]): string {
  const last = statement.findLast(({ kind }) => kind === 'name' || kind === 'quoted')
  return last === undefined ? '' : identifierOf(last)
}
