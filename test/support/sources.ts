// The project's own source files, and what each imports.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { root } from './documents.ts'

export interface Import {
  /** Path from the root for a file of ours, else the package's name. */
  readonly target: string
  readonly own: boolean
  /** Gone at run time: types make no circle. */
  readonly typesOnly: boolean
}

export interface Source {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

const statement =
  /^[ \t]*(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm

function importsOf(path: string, text: string): readonly Import[] {
  return [...text.matchAll(statement)].map((match) => {
    const specifier = match[3] ?? match[4] ?? match[5] ?? ''
    const own = specifier.startsWith('.')
    const names = /^\{(.*)\}$/s
      .exec(match[2]?.trim() ?? '')?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    const typesOnly = match[1] !== undefined || (names !== undefined && names.every((name) => name.startsWith('type ')))
    return { own, typesOnly, target: own ? normalize(join(dirname(path), specifier)) : specifier }
  })
}

/** Every TypeScript file below these folders. */
export function sourcesIn(...folders: readonly string[]): readonly Source[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, imports: importsOf(path, text) }
    })
}
