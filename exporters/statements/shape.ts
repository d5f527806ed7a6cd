// Statement -> shape: what may be told of it, and what makes it one with others that differ in values and shards alone.
import { hash } from 'node:crypto'
import { sanitized } from './sanitize.ts'
import { logicalNames } from './shard-names.ts'
import type { TableOfShard } from './shard-names.ts'
import { sqlTokens } from './sql-tokens.ts'
import type { SqlToken } from './sql-tokens.ts'
import type { Shape, Statement } from './statement.ts'
import { summaryOf } from './summary.ts'

/** More of a text is not looked at: what begins a list of values tells as much as its end, characters. */
const mostRead = 65_536
/** A statement that PostgreSQL could not read, by SQLSTATE: where its strings end nobody knows. */
const unreadable = new Set(['42601', '42000', '22021', '22025', '08P01'])

/** Makes shapes; those of the `size` texts that came last are remembered, of texts up to `longestKept` characters. */
export function shaper(tableOfShard: TableOfShard, { size = 2_000, longestKept = 4_096 } = {}): ShapeOf {
  const known = { client: new Map<string, Shape>(), citus: new Map<string, Shape>() }
  return ({ text, failed, kind }) => {
    const byCitus = kind !== 'client'
    const isReadable = failed === undefined || !unreadable.has(failed)
    const cache = known[byCitus ? 'citus' : 'client']
    const found = isReadable ? cache.get(text) : undefined
    const shape = found ?? shapeOfText(text.slice(0, mostRead), byCitus, isReadable, tableOfShard)
    if (!isReadable || text.length > longestKept) return shape
    if (found !== undefined) cache.delete(text)
    cache.set(text, shape)
    if (cache.size > size) for (const oldest of cache.keys().take(1)) cache.delete(oldest)
    return shape
  }
}

/** The shape of a statement. */
export type ShapeOf = (statement: Pick<Statement, 'text' | 'failed' | 'kind'>) => Shape

function shapeOfText(text: string, byCitus: boolean, isReadable: boolean, tableOfShard: TableOfShard): Shape {
  const read = sqlTokens(text)
  const isSafe = isReadable && !readsOtherwise(text, read)
  const told = isSafe ? read : read.slice(0, 1).filter(isCommand)
  const { tokens, shards, tables } = logicalNames(told, byCitus, tableOfShard)
  const summary = summaryOf(tokens, tables)
  const clean = isSafe ? sanitized(tokens) : ''
  const id = hash('sha256', `${clean}\n${summary}`).slice(0, 16)
  return { id, summary, text: clean, shards }
}

/**
 * Whether standard_conforming_strings decides what is a string here. Any session may switch it, so such a text is not told:
 * https://www.postgresql.org/docs/current/runtime-config-compatible.html#GUC-STANDARD-CONFORMING-STRINGS
 */
function readsOtherwise(text: string, tokens: readonly SqlToken[]): boolean {
  if (!text.includes("\\'")) return false
  const others = sqlTokens(text, { backslashes: true })
  return others.length !== tokens.length || others.some((one, at) => one.text !== tokens[at]?.text)
}

const commands = new Set([
  'select',
  'insert',
  'update',
  'delete',
  'with',
  'merge',
  'create',
  'alter',
  'drop',
  'copy',
  'call',
  'do',
  'set',
  'begin',
])

function isCommand({ kind, text }: SqlToken): boolean {
  return kind === 'name' && commands.has(text)
}
