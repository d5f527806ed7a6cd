// The parts of the documentation that are written from the code: `npm run docs` writes them, and a contract holds them to it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatDuration } from '../../agent/setting-types.ts'
import { version } from '../../agent/version.ts'
import { collect } from '../../probes/collection.ts'
import type { Collection } from '../../probes/collection.ts'
import type { CollectionName } from '../../probes/collections.ts'
import { collectionsOf, everyFamily, poolerCollectionsOf } from '../../probes/collections.ts'
import { notAskedReasons } from '../../probes/where.ts'
import { page, rowsUnder } from './documents.ts'
import { probeLimits } from './probe-limits.ts'
import { unitOf } from './units.ts'

/** Each once, though some are in both lists. */
const all = new Map<CollectionName, Collection<CollectionName>>(
  [...collectionsOf(probeLimits.paths), ...poolerCollectionsOf(probeLimits.paths)].map((one) => [one.name, one]),
)

function rows(head: readonly string[], cells: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...cells.map(line)].join('\n')
}

/** The page itself remembers which version of the sidecar was the first that had a family. */
const firstVersions = new Map(
  rowsUnder(page('docs/metrics.md'), 'family').map(({ cells }) => [cells['family'], cells['since']?.split(';')[0]]),
)

/** Since when there is a family: the version of the sidecar, and of what it is asked of where that is needed. */
function since(name: string, probe: CollectionName): string {
  const { since: postgres, citus } = all.get(probe)?.where ?? {}
  return [
    firstVersions.get(name) ?? version,
    ...(postgres === undefined ? [] : [`PostgreSQL ${postgres}`]),
    ...(citus === undefined || citus === true ? [] : [`Citus ${citus}`]),
  ].join('; ')
}

const code = (text: string): string => `\`${text}\``

/** Page and name of the part -> its text. */
export const generatedParts: readonly (readonly [page: string, part: string, text: string])[] = [
  [
    'docs/metrics.md',
    'families',
    rows(
      ['family', 'labels', 'type', 'unit', 'since', 'meaning', 'probe'],
      everyFamily().map(({ name, labels, type, help, probe }) => [
        code(name),
        labels.join(', ') || '-',
        type,
        unitOf(name),
        since(name, probe),
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
