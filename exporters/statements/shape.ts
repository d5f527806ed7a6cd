// Statement -> shape: what may be told of it, and what makes it one with others that differ in values and shards alone.
import { hash } from 'node:crypto'
import { copied } from './copied.ts'
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
  const told = new Map<string, Pick<Shape, 'id' | 'summary' | 'text'>>()
  /** Texts that differ in values are told alike: thousands of statements that wait share one. */
  const made = (text: string, byCitus: boolean, isReadable: boolean): Shape => {
    const { shards, id, summary, text: clean } = shapeOfText(text.slice(0, mostRead), byCitus, isReadable, tableOfShard)
    const known = told.get(id) ?? { id: copied(id), summary: copied(summary), text: copied(clean) }
    return { ...remembered(told, known.id, known, size), shards }
  }
  return ({ text, failed, kind }) => {
    const byCitus = kind !== 'client'
    const isReadable = failed === undefined || !unreadable.has(failed)
    const cache = known[byCitus ? 'citus' : 'client']
    const shape = (isReadable ? cache.get(text) : undefined) ?? made(text, byCitus, isReadable)
    return isReadable && text.length <= longestKept ? remembered(cache, text, shape, size) : shape
  }
}

/** What is known by this name, or else this from now on; of more than `size` names the one that was not used for longest is forgotten. */
function remembered<T>(known: Map<string, T>, name: string, made: T, size: number): T {
  const one = known.get(name) ?? made
  known.delete(name)
  known.set(name, one)
  if (known.size > size) for (const oldest of known.keys().take(1)) known.delete(oldest)
  return one
}

/** The shards of most statements, once for all of them. */
const none: readonly string[] = []

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
  return { id, summary, text: clean, shards: shards.length === 0 ? none : shards }
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
