// The parts of the documentation that are written from the code: `npm run docs` writes them, and a contract holds them to it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatDuration } from '../../agent/setting-types.ts'
import { collect } from '../../probes/collection.ts'
import type { Collection } from '../../probes/collection.ts'
import type { CollectionName } from '../../probes/collections.ts'
import { collectionsOf, everyFamily, poolerCollectionsOf } from '../../probes/collections.ts'
import { notAskedReasons } from '../../probes/where.ts'
import { probeLimits } from './probe-limits.ts'

/** Each once, though some are in both lists. */
const all = new Map<CollectionName, Collection<CollectionName>>(
  [...collectionsOf(probeLimits.paths), ...poolerCollectionsOf(probeLimits.paths)].map((one) => [one.name, one]),
)

function rows(head: readonly string[], cells: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...cells.map(line)].join('\n')
}

const code = (text: string): string => `\`${text}\``

/** Page and name of the part -> its text. */
export const generatedParts: readonly (readonly [page: string, part: string, text: string])[] = [
  [
    'docs/metrics.md',
    'families',
    rows(
      ['family', 'labels', 'type', 'meaning', 'probe'],
      everyFamily().map(({ name, labels, type, help, probe }) => [
        code(name),
        labels.join(', ') || '-',
        type,
        help,
        code(probe),
      ]),
    ),
  ],
  [
    'docs/probes.md',
    'collections',
    rows(
      ['probe', 'session', 'every', 'deadline', 'asks', 'not run'],
      [...all.values()].map((collection) => {
        const { name, session, interval, timeout, help } = collect(collection, probeLimits)
        return [
          code(name),
          session,
          formatDuration(interval),
          formatDuration(timeout),
          help,
          notAskedReasons(collection.where ?? {}).join('; ') || '-',
        ]
      }),
    ),
  ],
]

const pattern = (part: string): RegExp => new RegExp(`(<!-- ${part} -->\n\n)[^]*?(\n\n<!-- end of ${part} -->)`)

/** The part as the page has it; undefined where it has none. */
export function writtenPart(page: string, part: string): string | undefined {
  const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8')
  return pattern(part).exec(text)?.[0].split('\n\n').slice(1, -1).join('\n\n')
}

/** Writes every part into its page. */
export function writeParts(): void {
  for (const [page, part, text] of generatedParts) {
    const file = join(import.meta.dirname, '../..', page)
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(pattern(part), (_all, before: string, after: string) => before + text + after),
    )
  }
}
