// A plan as auto_explain wrote it in JSON -> the same without what was asked for: conditions hold literals.
// https://www.postgresql.org/docs/current/auto-explain.html
import { sanitized } from './sanitize.ts'
import { sqlTokens } from './sql-tokens.ts'

/** A plan that is longer is not told, characters. */
const longest = 16_384
const deepest = 64

/** Words of PostgreSQL's own and names of objects; every other text may hold a value. */
const plain: ReadonlySet<string> = new Set([
  'Node Type',
  'Parent Relationship',
  'Subplan Name',
  'CTE Name',
  'Relation Name',
  'Schema',
  'Alias',
  'Index Name',
  'Function Name',
  'Join Type',
  'Scan Direction',
  'Strategy',
  'Partial Mode',
  'Command',
  'Operation',
  'Custom Plan Provider',
  'Sort Method',
  'Sort Space Type',
  'Cache Mode',
  'Storage',
])
/** The statement is told by its span. */
const left: ReadonlySet<string> = new Set(['Query Text', 'Query Identifier', 'Query Parameters'])

function withoutValues(value: unknown, key: string, depth: number): unknown {
  if (typeof value === 'string') return plain.has(key) ? value : sanitized(sqlTokens(value))
  if (typeof value !== 'object' || value === null) return value
  if (depth > deepest) return undefined
  if (Array.isArray(value)) return value.map((one) => withoutValues(one, key, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !left.has(name))
      .map(([name, one]) => [name, withoutValues(one, name, depth + 1)]),
  )
}

/** The plan as JSON without values; undefined where it is in another format (a coordinator's may be invalid), or too long. */
export function planWithoutValues(plan: string): string | undefined {
  if (plan.length > longest * 4) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(plan)
  } catch {
    return undefined
  }
  const told = JSON.stringify(withoutValues(parsed, '', 0))
  return told.length > longest ? undefined : told
}
