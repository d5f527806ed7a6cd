// Holds objects against Kubernetes' own schema, as the types that are generated from it: the compiler refuses, in a literal, every field
// that its type does not have, every missing one and every value of another type.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../../deploy/local/run-program.ts'
import { root } from '../documents.ts'
import { nameOf } from './objects.ts'
import type { Kinds, KubernetesObject } from './objects.ts'

/** Where the type of each kind stands. */
const homes: Readonly<Record<keyof Kinds, string>> = {
  StatefulSet: 'apps/v1',
  Deployment: 'apps/v1',
  Service: 'core/v1',
  ConfigMap: 'core/v1',
  Secret: 'core/v1',
  ServiceAccount: 'core/v1',
  Namespace: 'core/v1',
  Role: 'rbac/v1',
  RoleBinding: 'rbac/v1',
  PodDisruptionBudget: 'policy/v1',
}

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const options = ['--noEmit', '--strict', '--module', 'esnext', '--moduleResolution', 'bundler', '--pretty', 'false']

/** What the schema has against the objects, a line each, with the object's name. */
export async function againstSchema(objects: readonly KubernetesObject[]): Promise<readonly string[]> {
  const strange = objects.filter(({ kind }) => !Object.hasOwn(homes, kind ?? ''))
  if (strange.length > 0) return strange.map((object) => `${nameOf(object)}: no schema is known for this kind`)
  const folder = await mkdtemp(join(tmpdir(), 'schema-'))
  try {
    const file = join(folder, 'objects.ts')
    await writeFile(file, objects.map(source).join('\n'))
    const { stdout, stderr } = await runProgram(process.execPath, [compiler, ...options, file], {
      env: { PATH: process.env['PATH'] },
      cwd: folder,
    })
    const lines = (await readFile(file, 'utf8')).split('\n')
    return `${stdout}${stderr}`
      .split('\n')
      .filter(Boolean)
      .map((line) => readable(line, lines))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The object as source text, whose first line has its name. */
function source(object: KubernetesObject, index: number): string {
  const kind = object.kind as keyof Kinds
  const home = join(root, 'node_modules', 'kubernetes-types', homes[kind])
  return `// ${nameOf(object)}
import type { ${kind} as Type${index} } from ${JSON.stringify(home)}
export const object${index}: Required<Pick<Type${index}, 'apiVersion' | 'kind'>> & Type${index} = ${JSON.stringify(object, undefined, 1)}`
}

/** The compiler's line with the object's name in place of the file's. */
function readable(line: string, text: readonly string[]): string {
  const [, at, message] = /^objects\.ts\((\d+),\d+\): error \w+: (.*)$/.exec(line) ?? []
  if (at === undefined) return line.trim()
  const name = text.slice(0, Number(at)).findLast((one) => one.startsWith('// '))
  return `${name?.slice(3) ?? '?'}: ${message ?? ''}`
}
