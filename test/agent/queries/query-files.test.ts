// Files of own queries together: which are read, within which bounds, and what none may take from another.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { problemText, QueryFiles } from '../../../agent/queries/query-files.ts'
import { withLines } from '../../support/query-texts.ts'

suite('files of queries', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'query-files-test-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  function write(name: string, text: string): string {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  /** The text of one query that makes the metric `<name>_<column>`. */
  function query(name: string, column = 'n', usage = 'GAUGE'): string {
    return `${name}:\n  query: select 1 as ${column}\n  metrics: [{ ${column}: { usage: ${usage} } }]\n`
  }
  /** Names of queries and texts of problems, with the folder left out. */
  async function read(...paths: readonly string[]) {
    const { queries, problems } = await new QueryFiles(paths).read()
    return {
      names: queries.map(({ prefix }) => prefix),
      problems: problems.map((problem) => problemText(problem).replaceAll(`${folder}/`, '')),
    }
  }

  test('are those that are named and those of a directory, each once, by name', async () => {
    write('b.yml', query('b'))
    write('a.yaml', query('a'))
    write('.hidden.yaml', 'x')
    write('notes.txt', 'x')
    assert.deepEqual(await read(join(folder, 'b.yml'), folder), { names: ['b', 'a'], problems: [] })
  })

  test('are read through the links of a mounted ConfigMap', async () => {
    mkdirSync(join(folder, '..2026'))
    write('..2026/a.yaml', query('a'))
    symlinkSync('..2026', join(folder, '..data'))
    symlinkSync('..data/a.yaml', join(folder, 'a.yaml'))
    assert.deepEqual(await read(folder), { names: ['a'], problems: [] })
  })

  test('that are missing, no files or too large are told, and the others work', async () => {
    write('large.yaml', '#'.repeat(64 * 1024 + 1))
    mkdirSync(join(folder, 'folder.yaml'))
    write('good.yaml', query('good'))
    const { names, problems } = await read(join(folder, 'missing.yaml'), folder)
    assert.deepEqual(names, ['good'])
    assert.match(problems[0] ?? '', /^missing\.yaml: cannot be read: ENOENT/)
    assert.deepEqual(problems.slice(1), [
      'folder.yaml: is no file; allowed: YAML files and directories of them',
      'large.yaml: has 65537B; allowed: at most 64kB',
    ])
  })

  test('are twenty at most', async () => {
    for (let n = 10; n <= 30; n += 1) write(`${n}.yaml`, query(`q${n}`))
    const { names, problems } = await read(folder)
    assert.equal(names.length, 20)
    assert.deepEqual(problems, [
      '30.yaml: there are 21 files, and this one and all after it are left out; allowed: at most 20',
    ])
  })

  test('have two hundred queries at most', async () => {
    write('a.yaml', Array.from({ length: 201 }, (_, n) => query(`q${n}`)).join(''))
    const { names, problems } = await read(folder)
    assert.equal(names.length, 200)
    assert.deepEqual(problems, ['a.yaml:601:1: q200: is left out; allowed: at most 200 queries in all files'])
  })

  test('have a hundred problems listed at most', async () => {
    write('a.yaml', Array.from({ length: 60 }, (_, n) => `q${n}: {}\n`).join(''))
    const { problems } = await read(folder)
    assert.equal(problems.length, 101)
    assert.equal(problems.at(-1), 'a.yaml: 20 more problems are not listed')
  })

  test('have the problems of a file in the order of its lines', async () => {
    write('a.yaml', `${query('pg', 'up')}${withLines('query: x')}`)
    assert.deepEqual(await read(folder), {
      names: [],
      problems: [
        'a.yaml:1:1: pg: the metric pg_up is not accepted, for the sidecar tells it itself; allowed: a name that nothing else has',
        'a.yaml:4:1: a: has no metrics, and every query needs it',
        'a.yaml:5:10: a.query: "x" is not accepted; allowed: one statement that begins with select, with, values or table',
      ],
    })
  })

  const taken: readonly (readonly [what: string, first: string, second: string, problem: string])[] = [
    [
      'a family of a probe',
      '',
      query('pg_stat_database', 'numbackends'),
      'b.yaml:1:1: pg_stat_database: the metric pg_stat_database_numbackends is not accepted, for the sidecar tells it itself (probe postgres.databases); allowed: a name that nothing else has',
    ],
    [
      'a name that the sidecar may have one day',
      '',
      query('citus_sidecar', 'x'),
      "b.yaml:1:1: citus_sidecar: the metric citus_sidecar_x is not accepted; allowed: names that do not begin with citus_sidecar_, process_, nodejs_ or pg_settings_, which are the sidecar's own",
    ],
    [
      'a query of another file',
      query('a'),
      query('a', 'm'),
      'b.yaml:1:1: a: is there already, in a.yaml:1; allowed: once',
    ],
    [
      'a metric of another query',
      query('a_b', 'c'),
      query('a', 'b_c'),
      'b.yaml:1:1: a: the metric a_b_c is not accepted, for the query a_b in a.yaml:1 has it; allowed: a name that nothing else has',
    ],
    [
      'a gauge’s name for a counter, which OpenMetrics calls so',
      '',
      `a2:\n  query: select 1\n  metrics: [{ n: { usage: GAUGE } }, { n_total: { usage: COUNTER } }]\n`,
      'b.yaml:1:1: a2: the metric a2_n_total is not accepted, for a2_n of this query has the same name in OpenMetrics; allowed: a name that nothing else has',
    ],
  ]
  for (const [what, first, second, problem] of taken)
    test(`do not take ${what}`, async () => {
      write('a.yaml', first)
      write('b.yaml', second)
      assert.deepEqual((await read(folder)).problems, [problem])
    })

  test('may have names that begin like those of PostgreSQL and Citus', async () => {
    write('a.yaml', query('pg_running') + query('citus_tables'))
    assert.deepEqual(await read(folder), { names: ['pg_running', 'citus_tables'], problems: [] })
  })

  test('are looked at anew each time', async () => {
    const files = new QueryFiles([folder])
    const names = async () => (await files.read()).queries.map(({ prefix }) => prefix)
    assert.deepEqual(await names(), [])
    write('a.yaml', query('a') + query('b'))
    assert.deepEqual(await names(), ['a', 'b'])
    assert.deepEqual(await names(), ['a', 'b'])
    write('a.yaml', query('c'))
    assert.deepEqual(await names(), ['c'])
    rmSync(join(folder, 'a.yaml'))
    assert.deepEqual(await names(), [])
  })
})
