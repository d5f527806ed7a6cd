// The rights that the manifests give a sidecar, and the calls of the Kubernetes API that its code makes.
import { sourcesIn } from '../sources.ts'
import { ofKind } from './objects.ts'
import type { KubernetesObject } from './objects.ts'

/** The right that each of the code's ways to call needs (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb). */
const rightFor: Readonly<Record<string, string>> = { get: 'get', post: 'create', put: 'update', patch: 'patch' }

/** Every call in the code, as `verb resource.group`, without doubles and sorted. */
export function callsInCode(): readonly string[] {
  const path = /\bapi(?:s\/(?<group>[a-z.]+))?\/v\d\w*(?:\$\{\w+\}\/|', ')(?<resource>[a-z]+)/g
  const calls = sourcesIn('agent').flatMap(({ text }) =>
    [...text.matchAll(path)].map(({ index, groups }) => {
      const way = [...text.slice(0, index).matchAll(/\b(get|post|put|patch)\(/g)].at(-1)?.[1] ?? ''
      return rightName(rightFor[way] ?? '?', groups?.['resource'] ?? '', groups?.['group'] ?? '')
    }),
  )
  return [...new Set(calls)].toSorted()
}

/** Every right that the Roles give, likewise. */
export function rightsGiven(objects: readonly KubernetesObject[]): readonly string[] {
  const rights = ofKind(objects, 'Role').flatMap(({ rules = [] }) =>
    rules.flatMap(({ verbs, resources = [], apiGroups = [] }) =>
      verbs.flatMap((verb) => resources.flatMap((one) => apiGroups.map((group) => rightName(verb, one, group)))),
    ),
  )
  return rights.toSorted()
}

function rightName(verb: string, resource: string, group: string): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}`
}
