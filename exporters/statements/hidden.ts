// What a command holds that is no literal by PostgreSQL's grammar and must not be told all the same: what is set, a password without
// quotes, and names that a session makes up anew for each use.
import type { SqlToken } from './sql-tokens.ts'

/** Tokens of a statement, from the first to before the second. */
export type Range = readonly [from: number, to: number]
const nothing: Range = [0, 0]

/** Which tokens of a statement are hidden. */
export function hiddenIn(statement: readonly SqlToken[]): Range {
  const command = statement[0]?.kind === 'name' ? statement[0].text : ''
  return hidden.get(command)?.(statement) ?? nothing
}

type Rule = (statement: readonly SqlToken[]) => Range

/** Words between a command and the name that it is about. */
const between = new Set([
  'savepoint',
  'prepare',
  'transaction',
  'to',
  'work',
  'from',
  'in',
  'next',
  'prior',
  'first',
  'last',
  'all',
  'absolute',
  'relative',
  'forward',
  'backward',
  'cursor',
  'and',
  'chain',
  'no',
  'prepared',
])
const isName = ({ kind, text }: SqlToken): boolean => kind === 'quoted' || (kind === 'name' && !between.has(text))

/** A name with a digit in it was made by a program, and the next one will be another. */
const madeUpName: Rule = (statement) => {
  const at = statement.findIndex((token, index) => index > 0 && isName(token))
  return at > 0 && /\d/.test(statement[at]?.text ?? '') ? [at, at + 1] : nothing
}

const isSetting = ({ kind, text }: SqlToken): boolean => text === '=' || (kind === 'name' && text === 'to')

/** SET names its value without quotes, too. */
const valueOfSet: Rule = (statement) => {
  const at = statement.findIndex(isSetting)
  return at < 0 ? nothing : [at + 1, statement.length]
}

const roles = new Set(['role', 'user', 'group'])

/** ALTER ... SET, and whatever stands where a password should. */
const valueOfAlter: Rule = (statement) => {
  const password = statement.findIndex(({ kind, text }) => kind === 'name' && text === 'password')
  if (password > 0 && roles.has(statement[1]?.text ?? '')) return [password + 1, statement.length]
  const set = statement.findIndex(({ kind, text }) => kind === 'name' && text === 'set')
  const at = statement.findIndex((token, index) => index > set && isSetting(token))
  return set < 0 || at < 0 ? nothing : [at + 1, statement.length]
}

/** WHERE CURRENT OF names a cursor. */
const nameOfCursor: Rule = (statement) => {
  const at = statement.findIndex(({ text }, index) => text === 'of' && statement[index - 1]?.text === 'current')
  return at < 0 ? nothing : [at + 1, at + 2]
}

/** Results that Citus' nodes hand to each other have names that are used once. */
const nameOfResult: Rule = (statement) =>
  statement.some(({ text }, at) => text === 'format' && statement[at + 1]?.text === 'result') ? [1, 2] : nothing

const hidden: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['set', valueOfSet],
  ['alter', valueOfAlter],
  ['create', valueOfAlter],
  ['copy', nameOfResult],
  ['update', nameOfCursor],
  ['delete', nameOfCursor],
  ...['savepoint', 'release', 'rollback', 'declare', 'fetch', 'move', 'close', 'prepare', 'execute', 'deallocate'].map(
    (command) => [command, madeUpName] as const,
  ),
  ...['listen', 'unlisten', 'notify'].map((command) => [command, madeUpName] as const),
])
