// The files of own queries as they are now: every query that can be run, and everything that is wrong.
import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { OwnQuery } from '../../probes/own-query.ts'
import { readDefinitions } from './definitions.ts'
import type { Defined } from './definitions.ts'
import { readFiles } from './files.ts'
import type { Problem } from './files.ts'
import { TakenNames } from './names.ts'
import type { Wrong } from './yaml-tree.ts'

const mostQueries = 200
/** What is wrong beyond so much in one file is most often one thing at its beginning. */
const mostProblems = 100

export interface FoundQueries {
  readonly queries: readonly OwnQuery[]
  readonly problems: readonly Problem[]
}

interface Parsed {
  readonly digest: string
  readonly found: readonly Defined[]
  readonly wrong: readonly Wrong[]
}

/** The queries in the text of one file; never throws. */
export async function parseQueries(text: string): Promise<Omit<Parsed, 'digest'>> {
  // A sidecar without own queries does without the package.
  const { readTree } = await import('./yaml-tree.ts')
  const { tree, wrong } = readTree(text)
  return tree === undefined ? { found: [], wrong } : readDefinitions(tree)
}

/** Reads the files anew, and parses those that are not as they were. */
export class QueryFiles {
  readonly #paths: readonly string[]
  #known = new Map<string, Parsed>()

  constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  /** Never throws: what cannot be read is a problem. */
  async read(): Promise<FoundQueries> {
    const { files, problems: unread } = await readFiles(this.#paths)
    const problems = [...unread]
    const queries: OwnQuery[] = []
    const names = new TakenNames()
    const known = new Map<string, Parsed>()
    for (const { file, text } of files) {
      const digest = hash('sha256', text)
      const before = this.#known.get(file)
      const parsed = before?.digest === digest ? before : { digest, ...(await parseQueries(text)) }
      known.set(file, parsed)
      const wrong = [...parsed.wrong]
      for (const { query, line, column } of parsed.found) {
        const reason =
          queries.length < mostQueries
            ? names.take(query, `${file}:${line}`)
            : `${query.prefix}: is left out; allowed: at most ${mostQueries} queries in all files`
        if (reason === undefined) queries.push(query)
        else wrong.push({ line, column, reason })
      }
      problems.push(...listed(file, wrong))
      // Probes of the kubelet are answered between two files.
      await nextTurn()
    }
    this.#known = known
    return { queries, problems }
  }
}

function listed(file: string, wrong: readonly Wrong[]): readonly Problem[] {
  const all = wrong
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, reason }) => ({ file, line, column, reason }))
  if (all.length <= mostProblems) return all
  return [...all.slice(0, mostProblems), { file, reason: `${all.length - mostProblems} more problems are not listed` }]
}

/** As compilers write it, so that editors find the place. */
export function problemText({ file, line, column, reason }: Problem): string {
  return line === undefined ? `${file}: ${reason}` : `${file}:${line}:${column}: ${reason}`
}
