// The name of a query's span: what it does to what, and never a value.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { querySummary } from '../../../exporters/statements/summary.ts'

const cases: readonly (readonly [text: string, summary: string])[] = [
  ['select * from citus_sidecar.members m order by m.name', 'SELECT citus_sidecar.members'],
  ['select citus_sidecar.record_operation($1::jsonb)', 'SELECT citus_sidecar.record_operation'],
  ['select h.id from citus_sidecar.request_hold($1::jsonb) h', 'SELECT citus_sidecar.request_hold'],
  ['update citus_sidecar.notebook set beat = pg_catalog.clock_timestamp()', 'UPDATE citus_sidecar.notebook'],
  [' SELECT\n 1', 'SELECT'],
  ["/* 'from x' */ select 'from y' -- from z", 'SELECT'],
  ["select $$from a$$, E'from \\'' from b", 'SELECT b'],
  ['with w as (select 1 from a) select * from w join c on true', 'SELECT a SELECT c'],
  ['PAUSE "secret db"', 'PAUSE'],
  [`alter role "me" password 'SCRAM-SHA-256$secret'`, 'ALTER ROLE'],
  ['select a from only t1, lateral f() join pg_catalog.pg_locks l on true', 'SELECT t1'],
  ['', 'SQL'],
  ['-- nothing', 'SQL'],
]
for (const [text, summary] of cases) test(`of ${JSON.stringify(text)}`, () => assert.equal(querySummary(text), summary))

test('is short and has no literal, whatever the text', () => {
  const literal = fc.string({ maxLength: 20 }).map((text) => `'${text.replaceAll("'", "''")}secret'`)
  const part = fc.oneof(
    literal,
    fc.constantFrom('select', 'from', 'join t', 'f.g(', ')', ',', '-- x\n', '/* y */', '$1'),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const summary = querySummary(parts.join(' '))
      assert.ok(summary.length <= 255)
      assert.doesNotMatch(summary, /secret|'/)
    }),
    { numRuns: 2_000 },
  )
})
