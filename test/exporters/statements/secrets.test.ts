// No value leaves: secrets in every place where a statement can hold one, whole or cut anywhere, read right or wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shaper } from '../../../exporters/statements/shape.ts'

/** Stands in every value; made of letters for texts and of digits for numbers. */
const secret = 'sEcReT'
const digits = '73737373'
const leaked = /s?E?cReT|secret|7373/i

const noise = fc.string({
  unit: fc.constantFrom('a', "'", '"', '\\', '$', '-', '*', '/', ' ', '\n', '?', ';', ':', 'ä', '😀', '\u00A0'),
  maxLength: 8,
})
const around = fc.tuple(noise, noise).map(([before, after]) => `${before}${secret}${after}`)
const doubled = around.map((text) => text.replaceAll("'", "''"))
const escapes = around.map((text) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))
const cast = fc.constantFrom(
  '',
  '::text',
  '::pg_catalog.int8',
  `::character varying(${digits})`,
  '::timestamp with time zone',
  '::text[]',
  `::numeric(${digits}, 2)[]`,
  '::"Type"',
  '::public."Type"',
)
/** Strings as both settings of standard_conforming_strings read them, each in its own way. */
const string = fc.oneof(
  fc.tuple(doubled, cast).map(([text, type]) => `'${text}'${type}`),
  fc.tuple(escapes, fc.constantFrom('E', 'e', '')).map(([text, prefix]) => `${prefix}'${text}'`),
  fc.tuple(doubled, fc.constantFrom('N', 'n')).map(([text, prefix]) => `${prefix}'${text}'`),
  doubled.map((text) => `U&'${text.replaceAll('\\', '')}' UESCAPE '!'`),
  fc.tuple(noise, noise).map(([before, after]) => `$q$${`${before}${secret}${after}`.replaceAll('$', '')}$q$`),
  around.map((text) => `$$${text.replaceAll('$', '')}$$`),
  doubled.map((text) => `'${text}'\n '${secret}'`),
  fc.constantFrom(`date '${secret}'`, `interval '${secret}' day`, `cast('${secret}' as text)`),
)
const number = fc.constantFrom(
  digits,
  `-${digits}`,
  `${digits}.${digits}`,
  `.${digits}`,
  `${digits}.`,
  `1e${digits}`,
  `0x${digits}`,
  `0b${digits}`,
  `7_${digits}`,
  `X'${digits}'`,
  `B'${digits}'`,
  `${digits}::int`,
  `- -${digits}`,
)
const value = fc.oneof(string, number)
const comment = fc.oneof(
  around.map((text) => `-- ${text.replaceAll('\n', ' ')}\n`),
  around.map((text) => `/* ${text.replaceAll('/', '')} /* ${secret} */ */`),
)
const gap = fc.oneof({ weight: 5, arbitrary: fc.constant(' ') }, { weight: 1, arbitrary: comment })
const item = fc.oneof(
  value,
  fc.array(value, { minLength: 1, maxLength: 4 }).map((all) => `(${all.join(', ')})`),
)
const query = fc
  .tuple(
    fc.constantFrom(
      'select',
      'select * from t where a in',
      'insert into t values',
      'update "T" set a =',
      'call f(a,',
      'values',
    ),
    fc.array(
      fc.tuple(
        gap,
        item,
        gap,
        fc.constantFrom(',', 'and b =', '+', '||', '', ';', 'order by', 'from "it\'s" where c ='),
      ),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
  )
  .map(([head, parts]) => `${head} ${parts.map((part) => part.join('')).join(' ')}`)
/** Commands with values in places of their own. */
const command = fc
  .tuple(
    fc.constantFrom<((one: string) => string)[]>(
      (one) => `set app.key to ${one}, ${secret}`,
      () => `set local app.key = ${secret}`,
      (one) => `alter role r password ${one}`,
      () => `alter role r with login password ${secret}`,
      (one) => `create user u valid until ${one} password ${secret}`,
      () => `alter database d set app.key to ${secret}`,
      (one) => `alter system set a = ${one}`,
      (one) => `prepare p as select ${one}`,
      (one) => `execute p(${one}, ${one})`,
      () => `do $body$ begin perform '${secret}'; end $body$`,
      () => `do 'begin perform ''${secret}''; end'`,
      () => `create user mapping for u server s options (user '${secret}', password '${secret}')`,
      () => `notify c, '${secret}'`,
      () => `copy t from stdin with (delimiter '${secret}', null '${secret}')`,
      () => `copy t from program 'cat ${secret}'`,
      () => `prepare transaction '${secret}'`,
      () => `comment on table t is '${secret}'`,
      () => `create function f() returns text as $f$ select '${secret}' $f$ language sql`,
      (one) => `declare c cursor for select ${one}; fetch ${digits} from c`,
      (one) => `explain select ${one}; commit`,
      (one) => `create table t (a text default ${one} check (a <> ${one}))`,
    ),
    value,
  )
  .map(([make, one]) => make(one))
const statement = fc.oneof({ weight: 3, arbitrary: query }, { weight: 1, arbitrary: command })
const shapeOf = shaper(() => undefined)

test('no secret leaves 10,000 statements, whole or cut anywhere', () => {
  fc.assert(
    fc.property(statement, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (text, part, byCitus) => {
      for (const one of [text, text.slice(0, Math.floor(text.length * part))]) {
        const { text: told, summary } = shapeOf({ text: one, kind: byCitus ? 'task' : 'client', failed: undefined })
        assert.doesNotMatch(told, leaked, told)
        assert.doesNotMatch(summary, leaked, summary)
      }
    }),
    { numRuns: 10_000 },
  )
})

test('nor those that PostgreSQL could not read, where a secret stands anywhere', () => {
  const broken = fc.array(fc.oneof(noise, fc.constantFrom(secret, 'select', '\\d', "'", '"', ',', 'from')), {
    maxLength: 12,
  })
  fc.assert(
    fc.property(broken, (parts) => {
      const { text: told, summary } = shapeOf({ text: parts.join(' '), kind: 'client', failed: '42601' })
      assert.equal(told, '')
      assert.doesNotMatch(summary, leaked)
    }),
    { numRuns: 2_000 },
  )
})
