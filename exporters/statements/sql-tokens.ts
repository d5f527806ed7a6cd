// SQL text -> tokens, by PostgreSQL's own lexical rules: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
// What is not closed goes to the end of the text, so that a cut statement shows no part of a literal.

/**
 * `literal`: a constant of any kind; `name`: a word, folded to lower case as PostgreSQL does; `quoted`: an identifier in quotes;
 * `parameter`: $1; `other`: one character, or `::`.
 */
export interface SqlToken {
  readonly kind: 'literal' | 'name' | 'quoted' | 'parameter' | 'other'
  readonly text: string
}

export interface LexOptions {
  /** The server has standard_conforming_strings off: a backslash escapes in every string. */
  readonly backslashes?: boolean
  /** Gets each comment, whole. */
  readonly onComment?: (text: string) => void
}

// Sticky, so that each is tried at one place only; none can backtrack over what it has taken.
const lineComment = /--[^\n\r]*/y
const commentMark = /\/\*|\*\//g
const string = /'[^']*(?:''[^']*)*(?:'|$)/y
const escaped = /'(?:[^'\\]|\\[^]|'')*(?:'|\\?$)/y
const quoted = /"[^"]*(?:""[^"]*)*(?:"|$)/y
const dollar = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy
const parameter = /\$\d+/y
const number =
  /(?:0x[\da-f_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(?:\.[\d_]*)?(?:e[+-]?\d[\d_]*)?|\.\d[\d_]*(?:e[+-]?\d[\d_]*)?)[\w\u0080-\uffff]*/iy
const word = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy

/** The tokens of a statement, without comments and white space. */
export function sqlTokens(text: string, { backslashes = false, onComment }: LexOptions = {}): readonly SqlToken[] {
  const tokens: SqlToken[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const add = (kind: SqlToken['kind'], one: string): void => void tokens.push({ kind, text: one })
  /** A string behind its prefix; strings of bits and of Unicode know no backslash, whatever the setting. */
  const takeString = (prefix: string): void =>
    add('literal', take(prefix === 'e' || (backslashes && (prefix === '' || prefix === 'n')) ? escaped : string) ?? '')
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === 32 || (code >= 9 && code <= 13)) at += 1
    else if (beginsWord(code)) {
      const [begin, one] = [at, (take(word) ?? '').toLowerCase()]
      const next = text.charCodeAt(at)
      if (next === apostrophe && one.length === 1 && 'ebxn'.includes(one)) takeString(one)
      else if (one === 'u' && next === ampersand && text[at + 1] === "'") {
        at += 1
        takeString('u&')
      } else if (one === 'u' && next === ampersand && text[at + 1] === '"') {
        at += 1
        add('quoted', text.slice(begin, at) + (take(quoted) ?? ''))
      } else add('name', one)
    } else if (code === apostrophe) takeString('')
    else if (isDigit(code) || (code === dot && isDigit(text.charCodeAt(at + 1)))) add('literal', take(number) ?? '')
    else if (code === 34) add('quoted', take(quoted) ?? '')
    else if (code === 36) {
      const placeholder = take(parameter)
      const tag = placeholder === undefined ? take(dollar) : undefined
      if (placeholder !== undefined) add('parameter', placeholder)
      else if (tag !== undefined) {
        const end = text.indexOf(tag, at)
        at = end < 0 ? text.length : end + tag.length
        add('literal', tag)
      } else {
        at += 1
        add('other', '$')
      }
    } else if (code === 45 && text.charCodeAt(at + 1) === 45) {
      const one = take(lineComment)
      onComment?.(one ?? '')
    } else if (code === 47 && text.charCodeAt(at + 1) === 42) {
      const begin = at
      at = endOfComment(text, begin)
      onComment?.(text.slice(begin, at))
    } else {
      const other = code === colon && text.charCodeAt(at + 1) === colon ? '::' : text.charAt(at)
      at += other.length
      add('other', other)
    }
  }
  return tokens
}

const apostrophe = 39
const ampersand = 38
const dot = 46
const colon = 58

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function beginsWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code >= 128
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

/** The name that a token of kind `name` or `quoted` means. */
export function identifierOf(token: SqlToken): string {
  const bare = /^(?:u&)?"([^]*?)"?$/i.exec(token.text)?.[1]
  return token.kind === 'quoted' && bare !== undefined ? bare.replaceAll('""', '"') : token.text
}
