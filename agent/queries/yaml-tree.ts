// The text of a YAML file -> its values with their places; the one file that knows the package yaml.
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node } from 'yaml'

/** Where something is in a file, counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Something that is wrong there. */
export interface Wrong extends Place {
  readonly reason: string
}

export interface Entry {
  readonly key: string
  readonly place: Place
  readonly value: Tree
}

/** A value as it was written: numbers and flags are texts, too. */
export type Tree = { readonly place: Place } & (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | { readonly kind: 'map'; readonly entries: readonly Entry[] }
)

/** Nothing that is asked for lies deeper. */
const deepest = 8

/** A text in which anything is wrong has no tree, and neither has an empty one. */
export function readTree(text: string): { readonly tree: Tree | undefined; readonly wrong: readonly Wrong[] } {
  const lines = new LineCounter()
  const wrong: Wrong[] = []
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const complain = (place: Place, reason: string): void => void wrong.push({ ...place, reason })

  function toTree(node: unknown, depth: number, around: Place): Tree {
    const place = hasRange(node) ? placeAt(node.range[0]) : around
    if (isScalar(node)) return { kind: 'text', place, text: String(node.value) }
    if (node === null) return { kind: 'text', place, text: '' }
    if (depth > deepest) complain(place, `is nested more than ${deepest} levels deep; allowed: fewer`)
    else if (isSeq(node))
      return { kind: 'list', place, items: node.items.map((item) => toTree(item, depth + 1, place)) }
    else if (isMap(node)) {
      const entries = node.items.flatMap((pair): Entry[] => {
        const key = toTree(pair.key, depth + 1, place)
        if (key.kind === 'text')
          return [{ key: key.text, place: key.place, value: toTree(pair.value, depth + 1, key.place) }]
        complain(key.place, 'a key is a list or a map; allowed: text')
        return []
      })
      return { kind: 'map', place, entries }
    } else complain(place, 'an alias (*name) is not accepted; allowed: the value itself')
    return { kind: 'text', place, text: '' }
  }

  try {
    // Of the failsafe schema every value is a text, and `on`, `30` and `null` mean what whoever asks for them takes them for.
    const document = parseDocument(text, {
      lineCounter: lines,
      schema: 'failsafe',
      prettyErrors: false,
      uniqueKeys: false,
    })
    if (document.errors.length === 0) {
      const tree = document.contents === null ? undefined : toTree(document.contents, 0, placeAt(0))
      return { tree: wrong.length === 0 ? tree : undefined, wrong }
    }
    for (const { message, pos } of document.errors) complain(placeAt(pos[0]), `is no YAML: ${message}`)
  } catch (error) {
    // Of a million opening brackets the parser's own stack has not room enough.
    complain(
      { line: 1, column: 1 },
      `cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  return { tree: undefined, wrong }
}

function hasRange(node: unknown): node is Node & { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
}
