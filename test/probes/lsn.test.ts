// WAL positions: text to number and what is no position.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseLsn } from '../../probes/lsn.ts'

function print(position: bigint): string {
  return `${(position >> 32n).toString(16).toUpperCase()}/${(position & 0xffff_ffffn).toString(16).toUpperCase()}`
}

test('reads what PostgreSQL prints', () => {
  assert.equal(parseLsn('0/0'), 0n)
  assert.equal(parseLsn('16/B374D848'), 0x16_b374_d848n)
  assert.equal(parseLsn('ffffffff/ffffffff'), 2n ** 64n - 1n)
})

test('every position survives printing and reading', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (position) => parseLsn(print(position)) === position),
  )
})

test('the order of texts is the order of positions, not of letters', () => {
  assert.ok(parseLsn('10/0') > parseLsn('9/FFFFFFFF'))
  assert.ok(parseLsn('0/A000000') > parseLsn('0/9FFFFFF'))
})

for (const bad of [
  '',
  '0',
  '/',
  '0/',
  '/0',
  '0/0/0',
  '0/G',
  '123456789/0',
  '0/123456789',
  ' 0/0',
  '0/0\n',
  '-1/0',
  '0x1/0',
])
  test(`refuses ${JSON.stringify(bad)} and says so`, () => {
    assert.throws(() => parseLsn(bad), {
      name: 'RangeError',
      message: `"${bad}" is no WAL position; allowed: two hexadecimal numbers joined by /`,
    })
  })

test('never returns anything for other text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(text))
      assert.throws(() => parseLsn(text), RangeError)
    }),
  )
})
