// From the text of a file to queries: what is accepted, and that nothing in a file brings down the rest.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseQueries } from '../../../agent/queries/query-files.ts'
import type { OwnQuery } from '../../../probes/own-query.ts'
import { parseVersionRange } from '../../../probes/version-range.ts'
import { page, rowsUnder } from '../../support/documents.ts'
import { numbers, parsed, withLines } from '../../support/query-texts.ts'

const full = `pg_running:
  query: |
    -- who runs what
    select datname, count(*) as count, sum(x) as sum, y from z group by 1
  master: true
  runonserver: ">=14.0.0"
  cache_seconds: 30
  timeout: 5s
  role: [worker, Standalone]
  database: app
  metrics:
    - datname: { usage: LABEL, description: "Database." }
    - count: { usage: gauge }
    - sum:
        usage: "COUNTER"
    - y: { usage: DISCARD }
`.replace('Standalone', 'standalone')

suite('a file of queries', () => {
  test('has all that postgres_exporter knows, and what is ours', async () => {
    const query: OwnQuery = {
      prefix: 'pg_running',
      text: '-- who runs what\nselect datname, count(*) as count, sum(x) as sum, y from z group by 1\n',
      columns: [
        { name: 'datname', usage: 'label', help: 'Database.' },
        { name: 'count', usage: 'gauge', help: 'Column count of the query pg_running.' },
        { name: 'sum', usage: 'counter', help: 'Column sum of the query pg_running.' },
      ],
      interval: 30_000,
      timeout: 5_000,
      primaryOnly: true,
      versions: parseVersionRange('>=14.0.0'),
      roles: ['worker', 'standalone'],
      database: 'app',
    }
    assert.deepEqual(await parsed(full), { queries: [query], wrong: [] })
  })

  test('needs no more than the query and its metrics', async () => {
    const { queries, wrong } = await parsed(withLines('query: select 1 as n', numbers))
    assert.deepEqual(wrong, [])
    const { interval, timeout, primaryOnly, versions, roles, database } = queries[0] ?? {}
    assert.deepEqual(
      { interval, timeout, primaryOnly, versions, roles, database },
      {
        interval: 60_000,
        timeout: undefined,
        primaryOnly: false,
        versions: undefined,
        roles: undefined,
        database: undefined,
      },
    )
  })

  test('may be as docs/queries.md has it, and has the keys that it tells of', async () => {
    const text = page('docs/queries.md')
    const example = /```yaml\n([^]*?)```/.exec(text)?.[1] ?? ''
    const { queries, wrong } = await parsed(example)
    assert.deepEqual(wrong, [])
    assert.deepEqual(
      queries.map(({ prefix }) => prefix),
      ['app_orders'],
    )
    const told = rowsUnder(text, 'key', 'allowed', 'unless given').map(({ cells }) => cells['key'] ?? '')
    const unknown = await parsed(withLines('query: select 1', 'x: y', numbers))
    const [, known = ''] = unknown.wrong[0]?.split('allowed: ') ?? []
    assert.deepEqual(told.toSorted(), known.split(', ').toSorted())
  })

  test('may be for postgres_exporter as well: the interval is ours', async () => {
    const { queries } = await parsed(withLines('query: select 1 as n', 'cache_seconds: 30', 'interval: 2m', numbers))
    assert.equal(queries[0]?.interval, 120_000)
  })

  test('may be empty', async () => {
    for (const text of ['', '# nothing yet\n']) assert.deepEqual(await parsed(text), { queries: [], wrong: [] })
  })

  for (const begin of [
    'SELECT 1',
    '(select 1)',
    'with a as (select 1) table a',
    '/* a * b **/ values (1)',
    '--\nselect 1',
  ])
    test(`takes ${JSON.stringify(begin)}`, async () => {
      const { wrong } = await parsed(withLines(`query: ${JSON.stringify(begin)}`, numbers))
      assert.deepEqual(wrong, [])
    })

  test('loses no more than the query in which something is wrong, and tells of all that is', async () => {
    const text = `${withLines('query: drop table a', 'interval: 1', numbers)}b:\n  query: select 1 as n\n  ${numbers}\n`
    const { queries, wrong } = await parsed(text)
    assert.deepEqual(
      queries.map(({ prefix }) => prefix),
      ['b'],
    )
    assert.equal(wrong.length, 2)
  })

  test('never fails as a whole, whatever is in it', async () => {
    const cut = fc
      .tuple(fc.nat(full.length), fc.nat(20), fc.string({ unit: 'grapheme' }))
      .map(([from, length, put]) => full.slice(0, from) + put + full.slice(from + length))
    const yamlish = fc.array(
      fc.constantFrom(
        'a',
        ':',
        ' ',
        '\n',
        '- ',
        '{',
        '}',
        '[',
        ']',
        '&x',
        '*x',
        '"',
        '|',
        '#',
        '\t',
        '?',
        '!!',
        'query',
        '<<',
      ),
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      cut,
      yamlish.map((parts) => parts.join('')),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { wrong } = await parseQueries(text)
        for (const { line, column, reason } of wrong) assert.ok(line >= 1 && column >= 1 && reason.length > 10)
      }),
      { numRuns: 500 },
    )
  })

  test('may begin with a comment of any length', async () => {
    const comment = `/*${'*a'.repeat(100_000)}*/`
    assert.deepEqual((await parsed(withLines(`query: ${comment} select 1 as n`, numbers))).wrong, [])
    assert.equal((await parsed(withLines(`query: ${comment.slice(0, -2)} select 1 as n`, numbers))).wrong.length, 1)
  })

  test('may be nested as deep as the parser’s stack and deeper', async () => {
    const { wrong } = await parsed('['.repeat(60_000))
    assert.ok(wrong.length > 0)
  })
})
