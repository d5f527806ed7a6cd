// Manifests with one thing changed.
import assert from 'node:assert/strict'
import { nameOf } from './objects.ts'
import type { KubernetesObject } from './objects.ts'

/** One change. The path is dotted, with a tilde for a dot in a key, and an element of a list by its name or index; undefined removes. */
export type Edit = readonly [object: string, path: string, to: unknown]

type Tree = Record<string, unknown> | unknown[]

/** A copy of the objects with one change. @throws Error where the path leads nowhere. */
export function changed(objects: readonly KubernetesObject[], [object, path, to]: Edit): readonly KubernetesObject[] {
  const copy = structuredClone(objects)
  const steps = path.split('.').map((step) => step.replaceAll('~', '.'))
  const last = steps.pop() ?? ''
  let at: unknown = copy.find((one) => nameOf(one) === object)
  for (const step of steps) at = isTree(at) ? Reflect.get(at, keyIn(at, step)) : undefined
  if (!isTree(at)) throw new Error(`${object} has no ${path}`)
  const key = keyIn(at, last)
  if (to !== undefined) Reflect.set(at, key, to)
  else if (Array.isArray(at)) at.splice(Number(key), 1)
  else Reflect.deleteProperty(at, key)
  assert.notDeepEqual(copy, objects, `${object} ${path}: nothing was changed`)
  return copy
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null
}

function keyIn(tree: Tree, step: string): string {
  if (!Array.isArray(tree)) return step
  const found = tree.findIndex((one) => isTree(one) && Reflect.get(one, 'name') === step)
  return found === -1 ? step : String(found)
}
