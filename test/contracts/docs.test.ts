// The tables in code and their pages in docs say the same, both ways; and every link leads somewhere.
import assert from 'node:assert/strict'
import { existsSync, globSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { suite, test } from 'node:test'
import { errorCodes } from '../../agent/errors.ts'
import { events } from '../../agent/events.ts'
import { findings } from '../../agent/cluster/findings.ts'
import { refusals } from '../../agent/removal/refusals.ts'
import { formatDuration } from '../../agent/setting-types.ts'
import { settings } from '../../agent/settings.ts'
import type { Setting } from '../../agent/setting.ts'
import { version } from '../../agent/version.ts'
import { metrics } from '../../exporters/prometheus/metrics.ts'
import { everyFamily } from '../../probes/collections.ts'
import { allProbes, poolerProbes } from '../../probes/index.ts'
import { anchors, page, relativeLinks, root, rowsUnder } from '../support/documents.ts'
import type { TableRow } from '../support/documents.ts'
import { generatedParts, writtenPart } from '../support/generated-docs.ts'
import { probeLimits } from '../support/probe-limits.ts'
import { unitOf, unitRules } from '../support/units.ts'

type Cells = Readonly<Record<string, string>>

/** The columns of a page's rows that are held against the code, by the first of them. */
function documented(rows: readonly TableRow[], ...columns: readonly string[]): Readonly<Record<string, Cells>> {
  const [key = ''] = columns
  const names = rows.map(({ cells }) => cells[key] ?? '')
  assert.equal(new Set(names).size, names.length, `something is documented twice: ${names.join(', ')}`)
  return Object.fromEntries(
    rows.map(({ cells }) => [cells[key] ?? '', Object.fromEntries(columns.map((name) => [name, cells[name] ?? '']))]),
  )
}

/** Rows that say something: every cell that a reader looks for has words in it. */
function assertFilled(rows: readonly TableRow[], ...columns: readonly string[]): void {
  for (const { cells } of rows)
    for (const column of columns) assert.notEqual(cells[column], '', `${Object.values(cells)[0]} has no ${column}`)
}

test('docs/settings.md has every setting, with what is allowed and its default', () => {
  const rows = rowsUnder(page('docs/settings.md'), 'variable', 'allowed', 'default')
  const table: readonly Setting<unknown>[] = Object.values(settings)
  assert.deepEqual(
    documented(rows, 'variable', 'allowed', 'default'),
    Object.fromEntries(
      table.map(({ env, type, fallback }) => [
        env,
        { variable: env, allowed: type.allowed, default: fallback ?? 'unset' },
      ]),
    ),
  )
  assertFilled(rows, 'meaning')
})

test('docs/settings.md names in its rules only settings that there are', () => {
  const known = new Set<string>(Object.values(settings).map(({ env }) => env))
  const text = rowsUnder(page('docs/settings.md'), 'settings', 'rule').flatMap(({ cells }) => Object.values(cells))
  const named = text.join(' ').match(/\b(CITUS_SIDECAR|PG)[A-Z_]*\b/g) ?? []
  assert.ok(named.length > 5)
  assert.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
  )
})

test('docs/metrics.md has every metric with its labels and its unit', () => {
  const rows = rowsUnder(page('docs/metrics.md'), 'metric', 'labels')
  assert.deepEqual(
    documented(rows, 'metric', 'labels', 'unit'),
    Object.fromEntries(
      metrics.map(({ name, labels }) => [name, { metric: name, labels: labels.join(', ') || '-', unit: unitOf(name) }]),
    ),
  )
  assertFilled(rows, 'meaning', 'no sample')
})

test('docs/metrics.md says of each metric and family since when there is one, which is no version to come', () => {
  const rows = ['metric', 'family'].flatMap((first) => rowsUnder(page('docs/metrics.md'), first, 'labels'))
  const now = version.split('.').map(Number)
  for (const { cells } of rows) {
    const [name = '', since = ''] = [cells['metric'] ?? cells['family'], cells['since']]
    assert.match(since, /^\d+\.\d+\.\d+(?:; (?:PostgreSQL \d+|Citus \d+\.\d+))*$/, name)
    const first = (since.split(';')[0] ?? '').split('.').map(Number)
    const differs = first.findIndex((part, index) => part !== now[index])
    assert.ok(differs === -1 || (first[differs] ?? 0) < (now[differs] ?? 0), `${name} is since ${since}`)
  }
})

suite('a unit', () => {
  const families = [...metrics, ...everyFamily()]

  test('that the meaning names is that of the rule', () => {
    const named = /\bin (milliseconds|seconds(?: since 1970)?|bytes)\b/
    for (const { name, help } of families) {
      const unit = named.exec(help)?.[1]
      if (unit !== undefined && !name.includes('*')) assert.equal(unitOf(name), unit, name)
    }
  })

  test('is told by no rule that fits nothing', () => {
    const used = new Set(families.map(({ name }) => unitRules.find(([rule]) => rule.test(name))))
    assert.deepEqual(
      unitRules.filter((rule) => !used.has(rule)),
      [],
    )
  })
})

for (const [name, part, text] of generatedParts)
  test(`${name} has its ${part} as the code does; \`npm run docs\` writes them`, () => {
    assert.equal(writtenPart(name, part), text)
  })

test('docs/events.md has every event with its level and message', () => {
  const rows = rowsUnder(page('docs/events.md'), 'event', 'level', 'message')
  assert.deepEqual(
    documented(rows, 'event', 'level', 'message'),
    Object.fromEntries(Object.entries(events).map(([event, { level, message }]) => [event, { event, level, message }])),
  )
  assertFilled(rows, 'fields')
})

suite('docs/errors.md', () => {
  const rows = rowsUnder(page('docs/errors.md'), 'code', 'kind')
  const isError = ({ cells }: TableRow): boolean => /^[A-Z_]+$/.test(cells['code'] ?? '')

  test('has every error code with its kind', () => {
    assert.deepEqual(
      documented(rows.filter(isError), 'code', 'kind'),
      Object.fromEntries(Object.entries(errorCodes).map(([code, { kind }]) => [code, { code, kind }])),
    )
  })

  test('has every finding with its kind', () => {
    const all = rows.filter((row) => !isError(row))
    assert.deepEqual(
      documented(all, 'code', 'kind'),
      Object.fromEntries(Object.entries(findings).map(([code, { kind }]) => [code, { code, kind }])),
    )
    for (const { cells } of all)
      assert.equal(cells['accept'] !== '-', cells['kind'] === 'refuse', `${cells['code']}: who accepts what`)
  })

  test('says of each what it means and what to do', () => {
    assertFilled(rows.filter(isError), 'meaning', 'what to do')
    assertFilled(
      rows.filter((row) => !isError(row)),
      'what was found',
      'what to do',
    )
  })

  test('has every refusal of a removal', () => {
    const found = rowsUnder(page('docs/errors.md'), 'refusal')
    assert.deepEqual(
      found.map(({ cells }) => cells['refusal']),
      Object.keys(refusals),
    )
    assertFilled(found, 'what was found', 'what to do')
  })

  test('explains every kind there is', () => {
    const explained = rowsUnder(page('docs/errors.md'), 'kind').map(({ cells }) => cells['kind'] ?? '')
    const kinds = [...Object.values(errorCodes), ...Object.values(findings)].map(({ kind }) => kind)
    assert.deepEqual([...new Set(explained)].toSorted(), [...new Set(kinds)].toSorted())
  })
})

suite('docs/probes.md', () => {
  const text = page('docs/probes.md')

  test('has every probe with its session, interval and deadline', () => {
    const rows = rowsUnder(text, 'probe', 'session', 'every', 'deadline')
    const probes = [
      ...allProbes(probeLimits, () => ({ message: '', code: undefined, timedOut: false })),
      ...poolerProbes(probeLimits),
    ]
    assert.deepEqual(
      documented(rows, 'probe', 'session', 'every', 'deadline'),
      Object.fromEntries(
        probes.map(({ name, session, interval, timeout }) => [
          name,
          { probe: name, session, every: formatDuration(interval), deadline: formatDuration(timeout) },
        ]),
      ),
    )
    assertFilled(rows, 'asks', 'not run')
    const sessions = rowsUnder(text, 'session', 'where').map(({ cells }) => cells['session'] ?? '')
    const used = [...probes.map(({ session }) => session), 'queries']
    assert.deepEqual(sessions.toSorted(), [...new Set(used)].toSorted())
  })

  const verdicts: readonly [heading: string, sources: readonly string[]][] = [
    ['The check of live', ['liveness']],
    ['The check of started', ['startup']],
    ['The checks of ready', ['readiness', 'standby', 'latency']],
    ['The checks of a pooler', ['pooler']],
  ]
  for (const [heading, sources] of verdicts) {
    test(`has under "${heading}" every check in every status it can have`, () => {
      const code = sources.map((name) => page(`probes/verdicts/${name}.ts`)).join('\n')
      const made = [...code.matchAll(/\b(ok|warning|unknown|failed)\(\s*'([a-z-]+)'/g)]
      const rows = rowsUnder(text, 'check', 'status').filter((row) => row.heading === heading)
      assert.ok(made.length > 1)
      assert.deepEqual(
        [...new Set(rows.map(({ cells }) => `${cells['check']} ${cells['status']}`))].toSorted(),
        [...new Set(made.map(([, status, check]) => `${check} ${status}`))].toSorted(),
      )
      assertFilled(rows, 'when')
    })
  }
})

suite('a link', () => {
  const pages = ['*.md', 'docs/**/*.md', 'deploy/**/*.md'].flatMap((pattern) => globSync(pattern, { cwd: root }))

  test('is looked for on pages that there are', () => {
    for (const name of ['settings', 'metrics', 'events', 'errors', 'probes'])
      assert.ok(pages.includes(`docs/${name}.md`))
  })

  for (const path of pages.toSorted()) {
    test(`of ${path} leads to a file, and to a heading in it`, () => {
      for (const target of relativeLinks(page(path))) {
        const [file = '', anchor] = target.split('#')
        const there = file === '' ? path : normalize(join(dirname(path), file))
        assert.ok(existsSync(join(root, there)), `${target} does not exist`)
        if (anchor !== undefined) assert.ok(anchors(page(there)).includes(anchor), `${target} has no such heading`)
      }
    })
  }
})
