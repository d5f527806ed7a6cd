// A statement as it may leave the process: every literal is a question mark, comments are gone, lists of literals are one.
import { sqlTokens } from './sql-tokens.ts'
import type { LexOptions, SqlToken } from './sql-tokens.ts'

/** Longer than this no statement is told, characters. */
const longest = 2_000

/** Nor is more looked at: what begins a list of literals tells as much as its end, characters. */
const mostRead = 65_536

const mark = '?'
/** Types of more than one word, by what may follow what. */
const typeWords: Readonly<Record<string, readonly string[]>> = {
  double: ['precision'],
  character: ['varying'],
  bit: ['varying'],
  timestamp: ['with', 'without'],
  time: ['with', 'without', 'zone'],
  with: ['time'],
  without: ['time'],
}

/** The statement without literals and comments, on one line, at most 2,000 characters. */
export function sanitizeSql(text: string, options: LexOptions = {}): string {
  const parts: string[] = []
  const tokens = [...withoutCasts([...sqlTokens(text.slice(0, mostRead), options)])]
  for (const { kind, text: one } of tokens) {
    parts.push(kind === 'literal' ? mark : one)
    collapse(parts)
  }
  return join(parts)
}

/** A cast of a literal says how PostgreSQL wrote it down, not what was asked. */
function* withoutCasts(tokens: readonly SqlToken[]): Generator<SqlToken> {
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]
    if (token === undefined) return
    yield token
    while (token.kind === 'literal' && tokens[at + 1]?.text === '::' && tokens[at + 2]?.kind === 'name')
      at = endOfType(tokens, at + 2)
  }
}

/** Where the name of a type ends that begins here. */
function endOfType(tokens: readonly SqlToken[], begin: number): number {
  let at = begin
  for (;;) {
    const next = tokens[at + 1]
    const [now, then] = [tokens[at]?.text.toLowerCase() ?? '', next?.text.toLowerCase() ?? '']
    if (next?.kind === 'name' && (Object.hasOwn(typeWords, now) ? (typeWords[now] ?? []) : []).includes(then)) at += 1
    else if (then === '.' && tokens[at + 2]?.kind === 'name') at += 2
    else if (then === '(' || then === '[') {
      const close = then === '(' ? ')' : ']'
      do at += 1
      while (at < tokens.length && tokens[at]?.text !== close)
    } else return at
  }
}

/** Ends of a list that are told as one: `? ?` (a string in pieces), `?, ?` and `(?), (?)`. */
const foldings: readonly (readonly [tail: readonly string[], to: readonly string[]])[] = [
  [[mark, mark], [mark]],
  [[mark, ',', mark], [mark]],
  [
    ['(', mark, ')', ',', '(', mark, ')'],
    ['(', mark, ')'],
  ],
]

function collapse(parts: string[]): void {
  for (const [tail, to] of foldings) {
    const from = parts.length - tail.length
    if (from >= 0 && tail.every((one, index) => parts[from + index] === one)) parts.splice(from, tail.length, ...to)
  }
}

const tightBefore = new Set([',', ')', ';', '.', ']', '::', '[', '('])
const tightAfter = new Set(['(', '.', '[', '::'])

function join(parts: readonly string[]): string {
  let text = ''
  let before = '('
  for (const part of parts) {
    const tight = tightAfter.has(before) || tightBefore.has(part) || (isSign(before) && isSign(part))
    const next = tight ? part : ` ${part}`
    if (text.length + next.length > longest) return text
    text += next
    before = part
  }
  return text
}

/** Signs of one operator stay together. */
function isSign(part: string): boolean {
  return /^[+\-*/<>=~!@#%^&|`]$/.test(part)
}
