// What a new connection meets: every SQLSTATE and errno name sorted, and what the probe makes of an attempt.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { acceptance, acceptanceOf, acceptanceTexts } from '../../../probes/postgres/acceptance.ts'
import type { Acceptance, AcceptanceState } from '../../../probes/postgres/acceptance.ts'
import type { ProbeContext, ReadingError } from '../../../probes/probe.ts'
import { describeError } from '../../../agent/loop/describe.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql, serverError } from '../../support/scripted-sql.ts'

const sorted: readonly [code: string | undefined, message: string, state: AcceptanceState][] = [
  ['57P03', 'the database system is starting up', 'starting'],
  ['57P03', 'the database system is shutting down', 'shutting-down'],
  ['57P03', 'the database system is not yet accepting connections', 'recovering'],
  ['57P03', 'the database system is in recovery mode', 'recovering'],
  ['57P03', 'the database system is not accepting connections', 'recovering'],
  ['57P01', 'terminating connection due to administrator command', 'shutting-down'],
  ['57P02', 'terminating connection because of crash of another server process', 'shutting-down'],
  ['53300', 'sorry, too many clients already', 'full'],
  ['3D000', 'database "app" does not exist', 'no-database'],
  ['28P01', 'password authentication failed for user "citus_sidecar"', 'login-refused'],
  ['28000', 'no pg_hba.conf entry for host "10.0.0.1"', 'login-refused'],
  ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5432', 'refused'],
  ['ENOENT', 'connect ENOENT /var/run/postgresql/.s.PGSQL.5432', 'refused'],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND worker-1', 'refused'],
  ['EAI_AGAIN', 'getaddrinfo EAI_AGAIN worker-1', 'refused'],
  ['ETIMEDOUT', 'connect ETIMEDOUT 10.0.0.1:5432', 'frozen'],
  ['ECONNRESET', 'read ECONNRESET', 'failed'],
  ['XX000', 'something else', 'failed'],
  [undefined, 'Connection terminated unexpectedly', 'failed'],
]

suite('a failed attempt', () => {
  for (const [code, message, state] of sorted) {
    test(`${code ?? 'no code'} "${message}" is ${state}`, () => {
      assert.equal(acceptanceOf({ code, message, timedOut: false }), state)
    })
  }

  test('that nobody answered is frozen, whatever else is known', () => {
    for (const [code, message] of sorted) assert.equal(acceptanceOf({ code, message, timedOut: true }), 'frozen')
  })

  test('is never sorted as accepting', () => {
    const errors = fc.record({
      code: fc.option(fc.string(), { nil: undefined }),
      message: fc.string(),
      timedOut: fc.boolean(),
    })
    fc.assert(fc.property(errors, (error: ReadingError) => acceptanceOf(error) !== 'accepting'))
  })
})

test('every state has a reason, and every one but accepting says what to do', () => {
  for (const [state, { reason, action }] of Object.entries(acceptanceTexts)) {
    assert.notEqual(reason, '')
    assert.equal(action === '', state === 'accepting')
  }
})

suite('the connect probe', () => {
  async function read(dial: ProbeContext['dial'], signal = AbortSignal.timeout(5_000)): Promise<Acceptance> {
    return await acceptance(probeLimits, describeError).read(probeContext(scriptedSql(), dial), signal)
  }

  test('that gets in is accepting, with the time that took', async () => {
    const found = await read(async () => await Promise.resolve())
    assert.deepEqual(found, { state: 'accepting', message: '', latencyMs: 1, replaying: undefined })
  })

  test('that is turned away tells what was said', async () => {
    const full = serverError('53300', 'sorry, too many clients already')
    const found = await read(async () => await Promise.reject(new Error('connecting', { cause: full })))
    assert.equal(found.state, 'full')
    assert.match(found.message, /^sorry, too many clients already/)
  })

  test('that outlives its deadline is frozen', async () => {
    const over = AbortSignal.abort(new Error('over'))
    const found = await read(async () => await Promise.reject(new Error('socket closed')), over)
    assert.equal(found.state, 'frozen')
  })
})
