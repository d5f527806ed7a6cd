// The shell scripts in the manifests, to be run for real: with the paths of a test in place of those of a container.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { manifests } from './kustomize.ts'
import type { KubernetesObject } from './objects.ts'
import { containers, workloads } from './objects.ts'

/** A file of the manifests. */
export function manifestText(path: string): string {
  return readFileSync(join(manifests, path), 'utf8')
}

/** The script that a container in this file runs: the last word of its command. @throws Error where there is none. */
export function scriptOf(path: string, name: string): string {
  const objects = parseAllDocuments(manifestText(path), { merge: true }).map(
    (document) => document.toJS() as KubernetesObject,
  )
  const found = workloads(objects)
    .flatMap((one) => containers(one))
    .find((one) => one.name === name)
  const script = found?.command?.at(-1)
  if (script === undefined) throw new Error(`${path} has no container ${name} with a command`)
  return script
}

/** The text with each of these paths replaced. */
export function moved(text: string, paths: Readonly<Record<string, string>>): string {
  return Object.entries(paths).reduce((now, [from, to]) => now.replaceAll(from, to), text)
}
