// Markdown as the contracts read it: tables, links, headings.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** A page of the project, by its path from the root. */
export function page(path: string): string {
  return readFileSync(new URL(path, `file://${root}`), 'utf8')
}

/** One row of a table: its cells by the words of its header, and the heading it stands under. */
export interface TableRow {
  readonly cells: Readonly<Record<string, string>>
  readonly heading: string
}

/** A cell without the marks of code. */
function plain(cell: string): string {
  return cell.trim().replaceAll('`', '')
}

function cellsOf(line: string): string[] {
  return line.trim().replace(/^\|/, '').replace(/\|$/, '').split('|').map(plain)
}

/** Text without its code blocks, where a table or a link means nothing. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** Every row of the tables whose header starts with these words. */
export function rowsUnder(text: string, ...header: readonly string[]): readonly TableRow[] {
  const found: TableRow[] = []
  let [heading, columns]: [string, readonly string[] | undefined] = ['', undefined]
  for (const line of prose(text).split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ */, '')
    if (!line.startsWith('|')) columns = undefined
    else if (columns === undefined) columns = cellsOf(line)
    else if (!/^\|[-| :]+\|$/.test(line) && header.every((word, index) => columns?.[index] === word)) {
      const cells = cellsOf(line)
      found.push({ heading, cells: Object.fromEntries(columns.map((name, index) => [name, cells[index] ?? ''])) })
    }
  }
  return found
}

/** The targets of its links, without those to other sites. */
export function relativeLinks(text: string): readonly string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/i.test(target))
}

/** The anchors that its headings make, as GitHub names them. */
export function anchors(text: string): readonly string[] {
  return [...prose(text).matchAll(/^#+ +(.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
