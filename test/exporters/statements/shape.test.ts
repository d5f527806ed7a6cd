// What is told of a statement: the same for all that differ in values and shards alone.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { shaper } from '../../../exporters/statements/shape.ts'
import type { Shape, Statement } from '../../../exporters/statements/statement.ts'

const long = `a_table_with_a_very_long_name_that_is_cut_for_its_shards_${'x'.repeat(6)}`
const tables = new Map([
  ...['102008', '102009'].map((id) => [id, 'orders'] as const),
  ['102010', 'Odd "name"'],
  ['102011', 'events_2026'],
  ['102012', long],
])
const shapeOf = shaper((id) => tables.get(id))
const of = (text: string, kind: Statement['kind'] = 'task', failed?: string): Shape => shapeOf({ text, kind, failed })

suite('shards', () => {
  const rows: readonly (readonly [text: string, summary: string, told: string, shards: readonly string[]])[] = [
    [
      'SELECT a FROM public.orders_102008 orders WHERE true',
      'SELECT orders',
      'select a from public.orders orders where ?',
      ['102008'],
    ],
    ['DELETE FROM "Odd ""name""_102010"', 'DELETE "Odd ""name"""', 'delete from "Odd ""name"""', ['102010']],
    ['SELECT FROM events_2026_102011', 'SELECT events_2026', 'select from events_2026', ['102011']],
    [`SELECT FROM ${long.slice(0, 47)}_1a2b3c4d_102012`, `SELECT ${long}`, `select from ${long}`, ['102012']],
    ['SELECT FROM orders_102999', 'SELECT orders_102999', 'select from orders_102999', []],
    ['CREATE INDEX i_102008 ON orders_102008 (a)', 'CREATE INDEX', 'create index i on orders(a)', ['102008']],
    [
      "INSERT INTO orders_102008 AS t (a) SELECT a FROM read_intermediate_results('{x_from_102009_to_1}'::text[], 'binary') r(a)",
      'INSERT orders SELECT',
      'insert into orders as t(a) select a from read_intermediate_results(?) r(a)',
      ['102008', '102009'],
    ],
    [
      "SELECT worker_apply_shard_ddl_command (102008, 'CREATE TABLE public.orders (id bigint)')",
      'SELECT worker_apply_shard_ddl_command orders',
      'select worker_apply_shard_ddl_command(?)',
      ['102008'],
    ],
    [
      'COPY "repartitioned_results_21_from_102008_to_1" TO STDOUT WITH (format result)',
      'COPY "repartitioned_results_?_from_?_to_?"',
      'copy ? to stdout with(format result)',
      [],
    ],
    ['COPY "3_1" FROM STDIN WITH (format result)', 'COPY "?_?"', 'copy ? from stdin with(format result)', []],
  ]
  for (const [text, summary, told, shards] of rows)
    test(text, () => {
      const { id, ...shape } = of(text)
      assert.deepEqual(shape, { summary, text: told, shards })
      assert.match(id, /^[\da-f]{16}$/)
    })

  test('of one table are one shape, and a client’s table may have such a name', () => {
    const text = (id: string): string =>
      `SELECT a FROM public.orders_${id} orders WHERE (id OPERATOR(pg_catalog.=) '${id}'::bigint)`
    assert.equal(of(text('102008')).id, of(text('102009')).id)
    assert.equal(of('select from visits_102008', 'client').summary, 'SELECT visits_102008')
    assert.equal(of('select from orders_102008', 'client').summary, 'SELECT orders')
  })
})

test('names that are made up for one use do not make shapes', () => {
  const made = (name: string): readonly string[] => [
    `savepoint ${name}`,
    `rollback to savepoint "${name}"`,
    `declare ${name} cursor for select 1`,
    `fetch forward 5 from ${name}`,
    `update t set a = 1 where current of ${name}`,
    `prepare ${name} as select 1`,
    `execute ${name}(1)`,
    `deallocate prepare ${name}`,
    `prepare transaction '${name}'`,
    `notify ${name}, 'x'`,
  ]
  const other = made('sp_2f8b')
  for (const [at, text] of made('sp_17').entries()) {
    assert.equal(of(text, 'client').id, of(other[at] ?? '', 'client').id, text)
    assert.doesNotMatch(of(text, 'client').text, /sp_/)
  }
})

test('a statement that PostgreSQL could not read is told by its command alone, and by nothing where that is none', () => {
  assert.deepEqual(of("insert into t values ('it's secret')", 'client', '42601'), {
    ...of("insert into t values ('x", 'client', '42601'),
  })
  assert.equal(of("insert into t values ('it's secret')", 'client', '42601').summary, 'INSERT')
  assert.equal(of("secret 'x'", 'client', '42601').summary, 'SQL')
  assert.equal(of("insert into t values ('it''s')", 'client', '23505').text, 'insert into t values(?)')
})

test('where a setting decides what is a string, nothing but the command is told', () => {
  const text = "select 'a\\' secret, ' from t"
  assert.deepEqual([of(text).text, of(text).summary], ['', 'SELECT'])
  assert.equal(of("select E'a\\' secret'").text, 'select ?')
  assert.equal(of("select 'c:\\dir' from t").text, 'select ? from t')
})

test('what was seen before is not made again, and only so much is remembered', () => {
  let asked = 0
  const few = shaper(
    () => {
      asked += 1
      return undefined
    },
    { size: 2 },
  )
  const ask = (...names: string[]): number => {
    asked = 0
    for (const name of names) few({ text: `select from t_${name}`, kind: 'client', failed: undefined })
    return asked
  }
  assert.deepEqual([ask('1', '1', '2'), ask('1', '3', '1'), ask('2')], [2, 1, 1])
})

test('what is remembered of long statements is what is told of them, not their text', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const used = (): number => {
    gc()
    return process.memoryUsage().heapUsed
  }
  const fresh = shaper(() => undefined)
  const before = used()
  for (let one = 0; one < 300; one += 1) {
    const tables = Array.from({ length: 2_000 }, (_, nth) => `a_table_${one}_${nth}_of_many`)
    fresh({ text: `select from ${tables.join(', ')}`, kind: 'client', failed: undefined })
  }
  const kept = used() - before
  // Of each 2,255 characters at most are told; the text has 55,000.
  assert.ok(kept < 300 * 8_000, `${Math.round(kept / 300)} bytes a statement`)
  assert.equal(fresh({ text: 'select from t', kind: 'client', failed: undefined }).summary, 'SELECT t')
})
