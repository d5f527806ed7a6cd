// An error as a reading keeps it: innermost message, the code along the way, and whether nobody answered.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SidecarError } from '../../../agent/errors.ts'
import { describeError } from '../../../agent/loop/describe.ts'
import { serverError } from '../../support/scripted-sql.ts'

suite('a described error', () => {
  test('has the message and SQLSTATE of what the server said, not of what we made of it', () => {
    const server = serverError('53300', 'sorry, too many clients already')
    const ours = new SidecarError('CONNECT_FAILED', 'localhost:5432 as citus_sidecar: …', { cause: server })
    assert.deepEqual(describeError(ours), {
      message: 'sorry, too many clients already [53300]',
      code: '53300',
      timedOut: false,
    })
  })

  test('has the errno name of a socket', () => {
    const socket = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })
    const { code, timedOut } = describeError(new SidecarError('CONNECT_FAILED', 'x', { cause: socket }))
    assert.deepEqual([code, timedOut], ['ECONNREFUSED', false])
  })

  test('has no code of our own: those are not what the server said', () => {
    assert.equal(describeError(new SidecarError('SESSION_CLOSED', 'ended')).code, undefined)
  })

  const silences: readonly [string, Error][] = [
    ['a query without an answer', new SidecarError('QUERY_TIMEOUT', 'no answer within 500 ms')],
    ['a deadline that fired', new DOMException('The operation was aborted due to timeout', 'TimeoutError')],
    ['a login that was swallowed', new Error('no answer to the login within 3000 ms')],
  ]
  for (const [what, error] of silences) {
    test(`says that nobody answered: ${what}, alone or as a cause`, () => {
      assert.equal(describeError(error).timedOut, true)
      assert.equal(describeError(new SidecarError('CONNECT_FAILED', 'x', { cause: error })).timedOut, true)
    })
  }

  test('a cancelled statement was answered', () => {
    assert.equal(describeError(serverError('57014', 'canceling statement due to statement timeout')).timedOut, false)
  })

  test('survives what is no error, is endless or is its own cause', () => {
    assert.deepEqual(describeError('text'), { message: 'text', code: undefined, timedOut: false })
    assert.equal(describeError(undefined).message, 'undefined')
    assert.equal(describeError(new Error('x'.repeat(9_000))).message.length, 500)
    const circle = new Error('circle')
    circle.cause = circle
    assert.equal(describeError(circle).message, 'circle')
  })
})
