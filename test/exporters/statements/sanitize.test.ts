// What a statement leaves behind when its literals go: its shape, and no secret, wherever that stood and wherever the text was cut.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { sanitizeSql } from '../../../exporters/statements/sanitize.ts'

const cases: readonly (readonly [text: string, sanitized: string])[] = [
  ["select * from t where a = 'x' and b = 42", 'select * from t where a = ? and b = ?'],
  ["select 'it''s', E'a\\'b', U&'d\\0061t', B'01', x'1F', N'n'", 'select ?'],
  ['select $$a$$, $tag$b $$ c$tag$ from t', 'select ? from t'],
  ['select 1, -2.5e-3, .5, 0x1F, 1_000, 12abc from t1', 'select ?, - ? from t1'],
  ["select a from t_102011 where id = '42'::bigint", 'select a from t_102011 where id = ?'],
  ["select '2020-01-01'::timestamp without time zone, 'x'::character varying(20)[] from t", 'select ? from t'],
  ['select \'a\'::pg_catalog."char"::text from t', 'select ? from t'],
  ['select a::text from t', 'select a::text from t'],
  [
    'select * from t where id in (1, 2, 3) or id = any (array[4, 5])',
    'select * from t where id in(?) or id = any(array[?])',
  ],
  ["insert into t (a, b) values (1, 'x'), (2, 'y')", 'insert into t(a, b) values(?)'],
  ['/* a /* nested */ secret */ select 1 -- secret\n + 2', 'select ? + ?'],
  ['select "Quoted ""name""" from "T" where a = $1', 'select "Quoted ""name""" from "T" where a = $1'],
  ["select 'a'\n 'b', a <> b", 'select ?, a <> b'],
  ["select 'never closed", 'select ?'],
  ['select $x$ never closed', 'select ?'],
  ['/* never closed', ''],
  ['', ''],
]
suite('sanitized', () => {
  for (const [text, sanitized] of cases) test(JSON.stringify(text), () => assert.equal(sanitizeSql(text), sanitized))
  test('a string with backslashes, where the server takes them for escapes', () => {
    assert.equal(sanitizeSql("select 'a\\' secret', b", { backslashes: true }), 'select ?, b')
  })
  test('a long text is cut, and a huge one takes no long time', () => {
    const begun = performance.now()
    for (const part of ["f(a.b, '", 'a.b + ', "'x'::t(", '/*', '$a$ $b$ ', "E'\\"])
      assert.ok(sanitizeSql(`select ${part.repeat(200_000)}`).length <= 2_000)
    assert.ok(performance.now() - begun < 10_000)
  })
})

/** Stands in every literal; made of letters for texts and of digits for numbers. */
const secret = 'sEcReT'
const digits = '73737373'

const noise = fc.string({
  unit: fc.constantFrom('a', "'", '"', '\\', '$', '-', '*', '/', ' ', '\n', '?', ';', 'ä', '😀'),
  maxLength: 8,
})
const around = fc.tuple(noise, noise).map(([before, after]) => `${before}${secret}${after}`)
const doubled = around.map((text) => text.replaceAll("'", "''"))
const escapes = around.map((text) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))
const cast = fc.constantFrom(
  '',
  '::text',
  '::pg_catalog.int8',
  '::character varying(73737373)',
  '::timestamp with time zone',
  '::text[]',
)
const literal = fc.oneof(
  fc.tuple(doubled, cast).map(([text, type]) => `'${text}'${type}`),
  fc.tuple(escapes, fc.constantFrom('E', 'e')).map(([text, prefix]) => `${prefix}'${text}'`),
  doubled.map((text) => `N'${text}'`),
  doubled.map((text) => `U&'${text.replaceAll('\\', '')}'`),
  fc.tuple(noise, noise).map(([before, after]) => `$q$${before}${secret}${after}`.replaceAll('$q$q', '$q') + '$q$'),
  around.map((text) => `$$${text.replaceAll('$', '')}$$`),
  doubled.map((text) => `'${text}'\n '${secret}'`),
  fc.constantFrom(
    digits,
    `-${digits}`,
    `${digits}.${digits}`,
    `.${digits}`,
    `1e${digits}`,
    `0x${digits}`,
    `7_${digits}`,
    `X'${digits}'`,
  ),
)
const comment = fc.oneof(
  around.map((text) => `-- ${text.replaceAll('\n', ' ')}\n`),
  around.map((text) => `/* ${text.replaceAll('/', '')} /* ${secret} */ */`),
)
const gap = fc.oneof({ weight: 5, arbitrary: fc.constant(' ') }, { weight: 1, arbitrary: comment })
const item = fc.oneof(
  literal,
  fc.array(literal, { minLength: 1, maxLength: 4 }).map((all) => `(${all.join(', ')})`),
)
const statement = fc
  .tuple(
    fc.constantFrom(
      'select',
      'select * from t where a in',
      'insert into t values',
      'update "T" set a =',
      'call f(a,',
      'set x =',
    ),
    fc.array(fc.tuple(gap, item, gap, fc.constantFrom(',', 'and b =', '+', '||', '', ';', 'order by')), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([head, parts]) => `${head} ${parts.map((part) => part.join('')).join(' ')}`)

test('no secret leaves 10,000 statements, whole or cut anywhere', () => {
  fc.assert(
    fc.property(statement, fc.double({ min: 0, max: 1, noNaN: true }), (text, part) => {
      for (const one of [text, text.slice(0, Math.floor(text.length * part))]) {
        const told = sanitizeSql(one)
        assert.doesNotMatch(told, /s?E?cReT|7373/, told)
      }
    }),
    { numRuns: 10_000 },
  )
})
