// Which errors of this node's server a phase waits out, and which it is told of at once.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { patientSql } from '../../../agent/drain/patient-sql.ts'
import { SidecarError } from '../../../agent/errors.ts'
import type { Clock } from '../../../agent/loop/clock.ts'
import type { Sql } from '../../../probes/sql.ts'

function coded(code: string, message = 'no'): Error {
  return Object.assign(new Error(message), { code })
}

function unreachable(cause: Error): SidecarError {
  return new SidecarError('CONNECT_FAILED', 'no connection', { cause })
}

const clock: Clock = { now: () => 0, sleep: async () => await Promise.resolve() }
const never = new AbortController().signal

/** Fails once. */
function failingOnce(error: Error): Sql {
  let asked = 0
  const query = async <Row extends object>(): Promise<readonly Row[]> => {
    asked += 1
    if (asked === 1) throw error
    return await Promise.resolve([])
  }
  return { query }
}

const passing: readonly (readonly [what: string, error: Error])[] = [
  ['a session that a crash has ended', coded('57P02')],
  ['a session that somebody has ended', coded('57P01')],
  ['a server in recovery', unreachable(coded('57P03', 'the database system is in recovery mode'))],
  ['a server that starts', unreachable(coded('57P03', 'the database system is starting up'))],
  ['a connection that broke', coded('EPIPE')],
  ['a connection that ended under a query', new SidecarError('SESSION_CLOSED', 'ended')],
]
const staying: readonly (readonly [what: string, error: Error])[] = [
  ['a server that is gone', unreachable(coded('ECONNREFUSED'))],
  ['a server that is full', unreachable(coded('53300'))],
  ['a function that is missing', coded('42883')],
  ['a lock that somebody holds', coded('55P03')],
  ['a server that does not answer', new SidecarError('QUERY_TIMEOUT', 'no answer')],
]

suite('a server asked with patience', () => {
  for (const [what, error] of passing)
    test(`is asked again after ${what}, and no longer than the phase lasts`, async () => {
      assert.deepEqual(await patientSql(failingOnce(error), clock, never).query('select'), [])
      await assert.rejects(patientSql(failingOnce(error), clock, AbortSignal.abort()).query('select'), error)
    })
  for (const [what, error] of staying)
    test(`is not asked again after ${what}`, async () => {
      await assert.rejects(patientSql(failingOnce(error), clock, never).query('select'), error)
    })
})
