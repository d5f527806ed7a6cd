// Errors for people: one line, with SQLSTATE and hint, and never a crash over what is thrown.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { errorCodes, reasonOf, SidecarError, sqlstate } from '../../agent/errors.ts'
import type { ErrorCode } from '../../agent/errors.ts'
import { serverError } from '../support/scripted-sql.ts'

suite('a reason', () => {
  test('is the message, with SQLSTATE and hint where PostgreSQL gave them', () => {
    assert.equal(reasonOf(new Error('plain')), 'plain')
    assert.equal(reasonOf(serverError('53300', 'too many clients')), 'too many clients [53300]')
    assert.equal(reasonOf(serverError('42501', 'denied', { hint: 'ask' })), 'denied (hint: ask) [42501]')
  })

  test('of several errors at once is all of theirs', () => {
    const both = new AggregateError([new Error('::1 refused'), serverError('28000', '127.0.0.1 refused')])
    assert.equal(reasonOf(both), '::1 refused; 127.0.0.1 refused [28000]')
  })

  test('of what is no error is its text', () => {
    assert.deepEqual([undefined, null, 5, 'x'].map(reasonOf), ['undefined', 'null', '5', 'x'])
  })

  test('is one line, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, hint) => {
        assert.doesNotMatch(reasonOf(Object.assign(new Error(message), { hint })), /[\r\n\t]/)
      }),
    )
  })
})

const states: readonly [what: string, error: unknown, state: string | undefined][] = [
  ["a server's error", serverError('57P03', 'x'), '57P03'],
  ['a socket error', serverError('ECONNREFUSED', 'x'), undefined],
  ['an errno name of five letters', serverError('EPIPE', 'x'), undefined],
  ['a short code', serverError('1234', 'x'), undefined],
  ['a number', { code: 57_014 }, undefined],
  ['our own error', new SidecarError('QUERY_TIMEOUT', 'x'), undefined],
  ['no error', undefined, undefined],
  ['null', null, undefined],
  ['text', '57P03', undefined],
]

suite('the SQLSTATE', () => {
  for (const [what, error, state] of states)
    test(`of ${what} is ${state ?? 'none'}`, () => assert.equal(sqlstate(error), state))
})

suite('error codes', () => {
  test('have a kind, which an error of that code has too, and a sentence', () => {
    for (const [code, { kind, help }] of Object.entries(errorCodes)) {
      assert.equal(new SidecarError(code as ErrorCode, 'x').kind, kind)
      assert.match(help, /^\S.*\.$/)
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/)
    }
  })

  test('are never taken for a SQLSTATE', () => {
    for (const code of Object.keys(errorCodes)) assert.equal(sqlstate({ code }), undefined, code)
  })
})
