// Which failures of a call pass by themselves and which wait for somebody.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isRetryable } from '../../../agent/cluster/operation.ts'
import { errorCodes, SidecarError } from '../../../agent/errors.ts'
import type { ErrorCode } from '../../../agent/errors.ts'
import { serverError } from '../../support/scripted-sql.ts'

const answers: readonly [code: string, message: string, retryable: boolean][] = [
  ['55000', 'worker-2:5432 is a metadata node, but is out of sync', true],
  ['55006', 'object in use', true],
  ['55P03', 'canceling statement due to lock timeout', true],
  ['40P01', 'deadlock detected', true],
  ['40001', 'could not serialize access', true],
  ['57014', 'canceling statement due to statement timeout', true],
  ['57P01', 'terminating connection due to administrator command', true],
  ['57P02', 'terminating connection because of crash of another server process', true],
  ['57P03', 'the database system is starting up', true],
  ['53300', 'sorry, too many clients already', true],
  ['23505', 'duplicate key value violates unique constraint', true],
  ['08006', 'connection to the remote node failed', true],
  ['08000', 'connection exception', true],
  ['08P01', 'protocol violation', true],
  ['42501', 'operation is not allowed', false],
  ['42883', 'function citus_sidecar.register(unknown) does not exist', false],
  ['22023', 'member worker-1 has not announced itself', false],
  ['XX000', 'group 2 already has a primary node', false],
  ['P0001', 'raised', false],
  ['0A000', 'not supported', false],
  ['28P01', 'password authentication failed', false],
]

suite('a failed call', () => {
  for (const [code, message, retryable] of answers) {
    test(`${code} "${message}" ${retryable ? 'is tried again' : 'waits for a person'}`, () => {
      assert.equal(isRetryable(serverError(code, message)), retryable)
    })
  }

  test('on a node with another identity waits for a person, though its SQLSTATE would pass', () => {
    assert.equal(isRetryable(serverError('55000', 'another PostgreSQL', { detail: 'identity' })), false)
    assert.equal(isRetryable(serverError('55000', 'out of sync', { detail: 'something else' })), true)
  })

  test('for a reason of our own is tried again if its kind says so', () => {
    for (const [code, { kind }] of Object.entries(errorCodes))
      assert.equal(isRetryable(new SidecarError(code as ErrorCode, 'x')), kind === 'retryable', code)
  })

  for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])
    test(`with ${code} on the socket is tried again`, () => assert.equal(isRetryable(serverError(code, 'x')), true))

  test('for an unknown reason is tried again', () => {
    assert.equal(isRetryable(new Error('Connection terminated unexpectedly')), true)
    assert.equal(isRetryable('text'), true)
    assert.equal(isRetryable(undefined), true)
  })
})
