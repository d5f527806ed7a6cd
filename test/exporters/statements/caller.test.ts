// The trace context of a statement: where it may stand, which place is believed first, and what is none.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { callerOf } from '../../../exporters/statements/caller.ts'
import { parseTraceparent } from '../../../exporters/statements/traceparent.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const good = `00-${traceId}-${spanId}-01`
const setting = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: false }
const sourceOf = (
  text: string,
  over: { application?: string; prepared?: boolean; setting?: undefined } = {},
): string | undefined => callerOf({ text, prepared: false, application: 'shop', setting, ...over })?.source

suite('a traceparent', () => {
  test('is read with its flag', () => {
    assert.deepEqual(parseTraceparent(good), { traceId, spanId, sampled: true })
    assert.equal(parseTraceparent(good.replace(/01$/, '02'))?.sampled, false)
    assert.equal(parseTraceparent(good.replace(/01$/, 'ff'))?.sampled, true)
  })
  test('of a later version may have more', () => {
    assert.ok(parseTraceparent(`01${good.slice(2)}`))
    assert.ok(parseTraceparent(`cc${good.slice(2)}-what-ever`))
  })
  const wrong = [
    '',
    'x',
    good.slice(1),
    `${good}0`,
    `${good}-more`,
    ` ${good}`,
    good.toUpperCase(),
    `cc${good.slice(2)}x`,
    `ff${good.slice(2)}`,
    good.replace(traceId, '0'.repeat(32)),
    good.replace(spanId, '0'.repeat(16)),
    good.replace('-', '_'),
    good.replace(/01$/, 'xx'),
    `${good}\n`,
  ]
  for (const text of wrong)
    test(`is none: ${JSON.stringify(text)}`, () => assert.equal(parseTraceparent(text), undefined))
})

suite('a caller', () => {
  const comments = [
    `select 1 /*traceparent='${good}'*/`,
    `/*traceparent="${good}"*/ select 1`,
    `select /* action='%2Fparam*d',framework='spring',traceparent='${good}',tracestate='congo%3Dt61rcWkgMzE' */ 1`,
    `select 1 /*a='x' , traceparent = '${good}'*/;`,
    `select 'it''s' /*traceparent='${good.replaceAll('-', '%2D')}'*/`,
    `select 1 /* outer /*traceparent='${good}'*/ */`,
    `select 1 /* a comment */ /*traceparent='malformed'*/ /*traceparent='${good}'*/`,
  ]
  for (const text of comments) test(`by comment: ${text}`, () => assert.equal(sourceOf(text), 'comment'))

  const others = [
    `select '/*traceparent=''${good}''*/'`,
    `select $$/*traceparent='${good}'*/$$`,
    `select E'\\'/*traceparent="${good}"*/'`,
    `select "/*traceparent='${good}'*/"`,
    `select 1 -- traceparent='${good}'`,
    `select 1 /*xtraceparent='${good}'*/`,
    `select 1 /*traceparent=${good}*/`,
    `select 1 /*traceparent='%zz'*/`,
    `set app.traceparent = '${good}'`,
    'select 1',
  ]
  for (const text of others) test(`by no comment: ${text}`, () => assert.equal(sourceOf(text), 'guc'))

  test('by application_name before the setting, and by neither', () => {
    assert.equal(sourceOf('select 1', { application: good }), 'application_name')
    assert.equal(sourceOf('select 1', { application: `${good} shop` }), 'guc')
    assert.equal(sourceOf('select 1', { setting: undefined }), undefined)
  })

  test('of a named prepared statement is not who prepared it', () => {
    const text = `select $1 /*traceparent='${good}'*/`
    assert.equal(sourceOf(text, { prepared: true }), 'guc')
    assert.equal(sourceOf(text, { prepared: true, application: good }), 'application_name')
    assert.equal(sourceOf(text, { prepared: true, setting: undefined }), undefined)
  })

  test('is found behind any text that PostgreSQL would take', () => {
    const noise = fc.array(
      fc.constantFrom("'a''b'", 'x', '"q""/*"', '$$ /* $$', "E'\\''", '/* c /* d */ */', '-- e\n', '1'),
    )
    fc.assert(
      fc.property(noise, noise, (before, after) =>
        assert.equal(sourceOf(`${before.join(' ')} /*traceparent='${good}'*/ ${after.join(' ')}`), 'comment'),
      ),
    )
  })
})
