// Texts of files of own queries for tests, and what is made of them.
import { parseQueries } from '../../agent/queries/query-files.ts'

/** The queries of a text, and what is wrong as `line:column: reason`. */
export async function parsed(text: string) {
  const { found, wrong } = await parseQueries(text)
  return {
    queries: found.map(({ query }) => query),
    wrong: wrong.map(({ line, column, reason }) => `${line}:${column}: ${reason}`),
  }
}

/** A file of one query with some lines instead of its own. */
export function withLines(...lines: readonly string[]): string {
  return ['a:', ...lines.map((line) => `  ${line}`), ''].join('\n')
}
/** The shortest metrics there are. */
export const numbers = 'metrics: [{ n: { usage: GAUGE } }]'
