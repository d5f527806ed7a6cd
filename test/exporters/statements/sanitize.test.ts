// What a statement leaves behind when its values go.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sanitized } from '../../../exporters/statements/sanitize.ts'
import { sqlTokens } from '../../../exporters/statements/sql-tokens.ts'

const cases: readonly (readonly [text: string, sanitized: string])[] = [
  ["select * from t where a = 'x' and b = 42", 'select * from t where a = ? and b = ?'],
  ['SELECT * FROM "T" Where A = \'x\'', 'select * from "T" where a = ?'],
  ["select 'it''s', E'a\\'b', U&'d\\0061t', B'01', x'1F', N'n'", 'select ?'],
  ['select $$a$$, $tag$b $$ c$tag$ from t', 'select ? from t'],
  ['select 1, -2.5e-3, .5, 0x1F, 1_000, 12abc from t1', 'select ? from t1'],
  ['select a - 1, b where c = -1 limit -1', 'select a - ?, b where c = ? limit ?'],
  ["select a from t_102011 where id = '42'::bigint", 'select a from t_102011 where id = ?'],
  ["select '2020-01-01'::timestamp without time zone, 'x'::character varying(20)[] from t", 'select ? from t'],
  ['select \'a\'::pg_catalog."char"::text from t', 'select ? from t'],
  ['select a::text, $1::int from t', 'select a::text, ? from t'],
  [
    'select * from t where id in (1, 2, 3) or id = any (array[4, 5])',
    'select * from t where id in(?) or id = any(array[?])',
  ],
  ["insert into t (a, b) values (1, 'x'), (2, null)", 'insert into t(a, b) values(?)'],
  ['insert into t values ($1, now()), ($2, now()), ($3, now())', 'insert into t values(?, now())'],
  ['select a is null, b is not true, c = true, null', 'select a is null, b is not true, c = ?'],
  ['/* a /* nested */ secret */ select 1 -- secret\n + 2', 'select ? + ?'],
  ['select "Quoted ""name""" from "T" where a = $1', 'select "Quoted ""name""" from "T" where a = ?'],
  ["select 'a'\n 'b', a <> b", 'select ?, a <> b'],
  ["select a ? 'key', b @> '{}' from t", 'select a ? ?, b @> ? from t'],
  ["set search_path to tenant_1, 'x'; select 1", 'set search_path to ?; select ?'],
  ['set local app.user = bob', 'set local app.user = ?'],
  ['alter role r set a.b to secret', 'alter role r set a.b to ?'],
  ['create user u password secret', 'create user u password ?'],
  ['create table t (password text, b int)', 'create table t(password text, b int)'],
  ['update t set a = b', 'update t set a = b'],
  ["select 'never closed", 'select ?'],
  ['select $x$ never closed', 'select ?'],
  ['/* never closed', ''],
  ['', ''],
]
suite('sanitized', () => {
  for (const [text, told] of cases) test(JSON.stringify(text), () => assert.equal(sanitized(sqlTokens(text)), told))
  test('a string with backslashes, where the server takes them for escapes', () => {
    assert.equal(sanitized(sqlTokens("select 'a\\' secret', b", { backslashes: true })), 'select ?, b')
  })
  test('a long text is cut, and a huge one takes no long time', () => {
    const begun = performance.now()
    for (const part of ["f(a.b, '", 'a.b + ', "'x'::t(", '/*', '$a$ $b$ ', "E'\\", '(', '(1),', ';'])
      assert.ok(sanitized(sqlTokens(`select ${part.repeat(50_000)}`)).length <= 2_000)
    assert.ok(performance.now() - begun < 10_000)
  })
})
