// SQL text -> tokens, by PostgreSQL's own lexical rules: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
// What is not closed goes to the end of the text, so that a cut statement shows no part of a literal.

/** `literal`: a constant of any kind; `name`: a word or a quoted identifier; `parameter`: $1; `other`: one character, or `::`. */
export interface SqlToken {
  readonly kind: 'literal' | 'name' | 'parameter' | 'other'
  readonly text: string
}

export interface LexOptions {
  /** The server has standard_conforming_strings off: a backslash escapes in every string. */
  readonly backslashes?: boolean
}

// Sticky, so that each is tried at one place only; none can backtrack over what it has taken.
const space = /\s+/y
const lineComment = /--[^\n\r]*/y
const commentMark = /\/\*|\*\//g
const string = /(?:[bxn]|u&)?'[^']*(?:''[^']*)*(?:'|$)/iy
const escaped = /(?:[enbx]|u&)?'(?:[^'\\]|\\[^]|'')*(?:'|\\?$)/iy
const quoted = /(?:u&)?"[^"]*(?:""[^"]*)*(?:"|$)/iy
const dollar = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy
const parameter = /\$\d+/y
const number =
  /(?:0x[\da-f_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(?:\.[\d_]*)?(?:e[+-]?\d[\d_]*)?|\.\d[\d_]*(?:e[+-]?\d[\d_]*)?)[\w\u0080-\uffff]*/iy
const word = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy
const opensEscaped = /e'/iy

/** The tokens of a statement, without comments and white space. */
export function* sqlTokens(text: string, { backslashes = false }: LexOptions = {}): Generator<SqlToken> {
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  while (at < text.length) {
    if (take(space) !== undefined || take(lineComment) !== undefined) continue
    if (text.startsWith('/*', at)) {
      at = endOfComment(text, at)
      continue
    }
    opensEscaped.lastIndex = at
    const literal = take(backslashes || opensEscaped.test(text) ? escaped : string)
    if (literal !== undefined) {
      yield { kind: 'literal', text: literal }
      continue
    }
    const tag = take(dollar)
    if (tag !== undefined) {
      const end = text.indexOf(tag, at)
      at = end < 0 ? text.length : end + tag.length
      yield { kind: 'literal', text: tag }
      continue
    }
    const name = take(quoted) ?? take(word)
    if (name !== undefined) {
      yield { kind: 'name', text: name }
      continue
    }
    const placeholder = take(parameter)
    if (placeholder !== undefined) {
      yield { kind: 'parameter', text: placeholder }
      continue
    }
    const constant = take(number)
    if (constant !== undefined) {
      yield { kind: 'literal', text: constant }
      continue
    }
    const other = text.startsWith('::', at) ? '::' : (text[at] ?? '')
    at += other.length
    yield { kind: 'other', text: other }
  }
}

/** Comments nest. */
function endOfComment(text: string, begin: number): number {
  let depth = 0
  commentMark.lastIndex = begin
  for (let mark = commentMark.exec(text); mark !== null; mark = commentMark.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return commentMark.lastIndex
  }
  return text.length
}
