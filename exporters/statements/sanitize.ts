// A statement as it may leave the process: every value is a question mark, comments are gone, lists of values are one.
import { hiddenIn } from './hidden.ts'
import type { SqlToken } from './sql-tokens.ts'

/** Longer than this no statement is told, characters. */
const longest = 2_000

const mark: SqlToken = { kind: 'literal', text: '?' }

/** The statement without values and comments, on one line, at most 2,000 characters. */
export function sanitized(tokens: readonly SqlToken[]): string {
  return join(withoutCasts(statementsOf(tokens).flatMap(withoutValues)))
}

/** The statements of a string, each with the semicolon that ends it. */
export function statementsOf(tokens: readonly SqlToken[]): readonly (readonly SqlToken[])[] {
  const statements: SqlToken[][] = []
  let begin = 0
  for (const [at, { kind, text }] of tokens.entries())
    if ((kind === 'other' && text === ';') || at === tokens.length - 1) {
      statements.push(tokens.slice(begin, at + 1))
      begin = at + 1
    }
  return statements
}

const constants = new Set(['true', 'false', 'null'])
/** After these the constants are words of the language: IS NULL, NOT NULL, ON DELETE SET NULL. */
const notConstantAfter = new Set(['is', 'not', 'set'])
/** Behind these a sign belongs to the number that follows. */
const signAfter = new Set([
  'select',
  'and',
  'or',
  'not',
  'when',
  'then',
  'else',
  'limit',
  'offset',
  'between',
  'by',
  'like',
  'in',
  'as',
  'default',
])

function withoutValues(statement: readonly SqlToken[]): readonly SqlToken[] {
  const [from, to] = hiddenIn(statement)
  const parts: SqlToken[] = []
  for (const [at, token] of statement.entries()) {
    const isConstant =
      token.kind === 'name' && constants.has(token.text) && !notConstantAfter.has(parts.at(-1)?.text ?? '')
    const isValue = token.kind === 'literal' || token.kind === 'parameter' || isConstant
    if (isValue && isSign(parts.at(-1), parts.at(-2))) parts.pop()
    parts.push(isValue || (at >= from && at < to && token.text !== ';') ? mark : token)
  }
  return parts
}

/** Whether a sign is one of a number, and no operator between two. */
function isSign(token: SqlToken | undefined, before: SqlToken | undefined): boolean {
  if (token?.kind !== 'other' || (token.text !== '-' && token.text !== '+')) return false
  if (before === undefined) return true
  return before.kind === 'name' ? signAfter.has(before.text) : before.kind === 'other' && !')]'.includes(before.text)
}

/** Types of more than one word, by what may follow what. */
const typeWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['double', ['precision']],
  ['character', ['varying']],
  ['bit', ['varying']],
  ['timestamp', ['with', 'without']],
  ['time', ['with', 'without', 'zone']],
  ['with', ['time']],
  ['without', ['time']],
])

/** A cast of a value says how it was written down, not what was asked; then lists of values are told as one. */
function withoutCasts(tokens: readonly SqlToken[]): readonly SqlToken[] {
  const parts: SqlToken[] = []
  const opened: number[] = []
  /** The last one that was closed, by depth. */
  const closed: (readonly [begin: number, end: number])[] = []
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]
    if (token === undefined) break
    parts.push(token)
    while (token === mark && tokens[at + 1]?.text === '::' && isName(tokens[at + 2])) at = endOfType(tokens, at + 2)
    if (token === mark) foldValue(parts)
    else if (token.kind === 'other' && token.text === '(') opened.push(parts.length - 1)
    else if (token.kind === 'other' && token.text === ')') {
      const begin = opened.pop() ?? 0
      const former = closed[opened.length]
      // Rows that are alike are told once: (?, now()), (?, now())
      if (former?.[1] === begin - 1 && parts[begin - 1]?.text === ',' && alike(parts, former, begin))
        parts.length = begin - 1
      else closed[opened.length] = [begin, parts.length]
    }
  }
  return parts
}

/** `? ?`, a string in pieces, and `?, ?` are one. */
function foldValue(parts: SqlToken[]): void {
  if (parts.at(-2) === mark) parts.pop()
  else if (parts.at(-3) === mark && parts.at(-2)?.text === ',') parts.length -= 2
}

function alike(parts: readonly SqlToken[], [begin, end]: readonly [number, number], other: number): boolean {
  const length = end - begin
  if (parts.length - other !== length) return false
  for (let at = 0; at < length; at += 1) if (parts[begin + at]?.text !== parts[other + at]?.text) return false
  return true
}

function isName(token: SqlToken | undefined): boolean {
  return token?.kind === 'name' || token?.kind === 'quoted'
}

/** Where the name of a type ends that begins here. */
function endOfType(tokens: readonly SqlToken[], begin: number): number {
  let at = begin
  for (;;) {
    const [now, then] = [tokens[at]?.text ?? '', tokens[at + 1]?.text ?? '']
    if (typeWords.get(now)?.includes(then) === true) at += 1
    else if (then === '.' && isName(tokens[at + 2])) at += 2
    else if (then === '(' || then === '[') {
      const close = then === '(' ? ')' : ']'
      do at += 1
      while (at < tokens.length && tokens[at]?.text !== close)
    } else return at
  }
}

const tightBefore = new Set([',', ')', ';', '.', ']', '::', '[', '('])
const tightAfter = new Set(['(', '.', '[', '::'])
const operator = new Set('+-*/<>=~!@#%^&|`')

function join(parts: readonly SqlToken[]): string {
  // Put together at once: a text that grows piece by piece keeps all its pieces in memory.
  const pieces: string[] = []
  let length = 0
  let before = '('
  for (const { text: part } of parts) {
    // Signs of one operator stay together.
    const tight = tightAfter.has(before) || tightBefore.has(part) || (operator.has(before) && operator.has(part))
    length += tight ? part.length : part.length + 1
    if (length > longest) break
    if (!tight) pieces.push(' ')
    pieces.push(part)
    before = part
  }
  return pieces.join('')
}
