// Tokens of a statement -> what it does to what, without any value: the name of its span.
// https://opentelemetry.io/docs/specs/semconv/db/database-spans/#generating-a-summary-of-the-query
import { statementsOf } from './sanitize.ts'
import { sqlTokens } from './sql-tokens.ts'
import type { SqlToken } from './sql-tokens.ts'

/** What OpenTelemetry allows for a summary, characters. */
const longest = 255

/** An operation and the tables it works on, as in `INSERT orders SELECT staged`. */
interface Operation {
  readonly name: string
  readonly targets: Set<string>
}

/**
 * `SELECT orders`; of several statements what each does, without those that only begin, end and set; `SQL` for none. Of `others`, tables
 * that are known by other ways, are told those that are not named.
 */
export function summaryOf(tokens: readonly SqlToken[], others: readonly string[] = []): string {
  const all = statementsOf(tokens)
    .map(operationsOf)
    .filter((one) => one.length > 0)
  const telling = all.filter(([first]) => !frames.has(first?.name ?? ''))
  const each = (telling.length > 0 ? telling : all.slice(0, 1)).map((one) => one.map(words))
  const [first = []] = each
  const alike = each.every((one) => String(one) === String(first))
  const told = alike ? [each.length > 1 ? 'BATCH' : '', ...first] : [...new Set(each.flat())]
  return within([...told, ...others.filter((one) => !told.some((part) => part.includes(one)))]) || 'SQL'
}

/** The summary of a text. */
export function querySummary(text: string): string {
  return summaryOf(sqlTokens(text))
}

/** What only stands around others. */
const frames = new Set(['BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'SET', 'SAVEPOINT', 'RELEASE', 'RESET'])

function words({ name, targets }: Operation): string {
  return [name, ...targets].join(' ')
}

/** Whole words as far as they fit. */
function within(parts: readonly string[]): string {
  const told = parts.filter(Boolean).join(' ')
  return told.length <= longest ? told : told.slice(0, told.lastIndexOf(' ', longest))
}

const isName = (token: SqlToken | undefined): boolean => token?.kind === 'name' || token?.kind === 'quoted'
/** Words that stand before the name of a table. */
const dull = new Set([
  'only',
  'lateral',
  'if',
  'not',
  'exists',
  'table',
  'concurrently',
  'full',
  'verbose',
  'analyze',
  'into',
  'from',
])
/** Words that end a list of tables. */
const ends = new Set([
  'where',
  'group',
  'having',
  'order',
  'limit',
  'offset',
  'window',
  'union',
  'intersect',
  'except',
  'returning',
  'set',
  'values',
  'select',
  'for',
  'when',
  'fetch',
])
/** Commands whose target follows them. */
const direct = new Set([
  'copy',
  'truncate',
  'vacuum',
  'analyze',
  'lock',
  'cluster',
  'call',
  'table',
  'refresh',
  'reindex',
])
const kinds = new Set([
  'table',
  'index',
  'view',
  'sequence',
  'schema',
  'function',
  'procedure',
  'type',
  'trigger',
  'policy',
  'domain',
  'extension',
  'role',
  'user',
  'database',
  'publication',
  'subscription',
  'server',
  'materialized',
  'statistics',
])
/** Of these the name is told, too. */
const namedKinds = new Set([
  'table',
  'view',
  'sequence',
  'schema',
  'extension',
  'database',
  'publication',
  'subscription',
])

function operationsOf(statement: readonly SqlToken[]): readonly Operation[] {
  const operations: Operation[] = []
  const begin = (name: string): void => void operations.push({ name: name.toUpperCase(), targets: new Set() })
  const add = (name: string | undefined): void => {
    if (name !== undefined && !own.has(name)) operations.at(-1)?.targets.add(name)
  }
  const own = namesOfWith(statement)
  /** Whether FROM at this depth of brackets is one of tables, as in no `extract(year from at)`. */
  const hasTables: boolean[] = [false]
  /** Depth of the list of tables that is open. */
  let listed = -1
  for (let at = 0; at < statement.length; at += 1) {
    const { kind, text } = statement[at] ?? { kind: 'other', text: '' }
    const before = statement[at - 1]?.text
    const next = statement[at + 1]
    if (kind === 'other' && text === '(') hasTables.push(false)
    else if (kind === 'other' && text === ')') {
      hasTables.pop()
      if (listed >= hasTables.length) listed = -1
    } else if (kind === 'other' && text === ',' && listed === hasTables.length - 1) add(target(statement, at + 1))
    else if (kind === 'name') {
      if (ends.has(text) && listed === hasTables.length - 1) listed = -1
      const opens =
        text === 'update'
          ? isName(next) && !notUpdateAfter.has(before ?? '')
          : text === 'select' || opening.has(`${text} ${next?.text}`)
      if (opens) {
        begin(text)
        hasTables[hasTables.length - 1] = true
        if (text === 'update') add(target(statement, at + 1))
      } else if (text === 'from' && hasTables.at(-1) === true && before !== 'distinct') {
        listed = hasTables.length - 1
        add(target(statement, at + 1))
      } else if ((text === 'join' || text === 'into' || text === 'using') && operations.length > 0)
        add(target(statement, at + 1))
      else if (at === 0 && text !== 'with' && text !== 'explain') {
        const object = statement.slice(1, 5).find((one) => one.kind === 'name' && kinds.has(one.text))
        const defines = text === 'create' || text === 'alter' || text === 'drop'
        begin(defines && object !== undefined ? `${text} ${object.text}` : text)
        if (direct.has(text)) add(target(statement, 1))
        if (defines && object !== undefined && namedKinds.has(object.text))
          add(target(statement, statement.indexOf(object) + 1))
      }
    }
  }
  const [first] = operations
  if (first !== undefined && operations.every(({ targets }) => targets.size === 0)) add(calledIn(statement))
  return operations
}

const opening = new Set(['insert into', 'delete from', 'merge into'])
/** FOR UPDATE, FOR NO KEY UPDATE, DO UPDATE and ON UPDATE are no updates. */
const notUpdateAfter = new Set(['for', 'key', 'do', 'on'])

/** Behind these a bracket opens columns, or the name is to be told. */
const notCallAfter = new Set(['into', 'copy', 'table', 'call', 'vacuum', 'analyze'])

/** The table whose name begins here; undefined for a function, a subquery and what PostgreSQL keeps for itself. */
function target(statement: readonly SqlToken[], begin: number): string | undefined {
  let at = begin
  while (statement[at]?.kind === 'name' && dull.has(statement[at]?.text ?? '')) at += 1
  if (!isName(statement[at])) return undefined
  const [name, end] = dotted(statement, at)
  const isCall = statement[end]?.text === '(' && !notCallAfter.has(statement[begin - 1]?.text ?? '')
  return isCall || name.startsWith('pg_catalog.') ? undefined : name.replace(/^public\./, '')
}

/** `schema.name` and where it ends. */
function dotted(statement: readonly SqlToken[], begin: number): readonly [name: string, end: number] {
  let [name, at] = [statement[begin]?.text ?? '', begin + 1]
  for (; statement[at]?.text === '.' && isName(statement[at + 1]); at += 2) name += `.${statement[at + 1]?.text ?? ''}`
  return [name, at]
}

/** Names that WITH gives to results: `name (columns) as (`. */
function namesOfWith(statement: readonly SqlToken[]): ReadonlySet<string> {
  const names = new Set<string>()
  if (!statement.some(({ kind, text }) => kind === 'name' && text === 'with')) return names
  for (const [at, token] of statement.entries()) {
    const before = statement[at - 1]?.text ?? ''
    if (!isName(token) || !['with', 'recursive', ','].includes(before)) continue
    let end = at + 1
    if (statement[end]?.text === '(') while (end < statement.length && statement[end++]?.text !== ')');
    if (statement[end]?.text === 'as' && /^(?:\(|not|materialized)$/.test(statement[end + 1]?.text ?? ''))
      names.add(token.text)
  }
  return names
}

/** The function that a statement without tables calls, where it is one of a schema or of Citus. */
function calledIn(statement: readonly SqlToken[]): string | undefined {
  for (let at = 0; at < statement.length; at += 1) {
    if (!isName(statement[at])) continue
    const [name, end] = dotted(statement, at)
    const told =
      (end > at + 1 && !name.startsWith('pg_catalog.')) ||
      /^(?:worker|citus|read_intermediate|fetch_intermediate)_/.test(name)
    if (told && statement[end]?.text === '(') return name
    at = end - 1
  }
  return undefined
}
