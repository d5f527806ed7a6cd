// Startup: over as soon as PostgreSQL says anything at all, be it a rejection.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AcceptanceState } from '../../../probes/postgres/acceptance.ts'
import { acceptanceTexts } from '../../../probes/postgres/acceptance.ts'
import type { Readings } from '../../../probes/probe.ts'
import { startup } from '../../../probes/verdicts/startup.ts'
import { broken, good, met } from '../../support/node-state.ts'

const alive: Readings = {
  'postgres.alive': good('postgres.alive', { latencyMs: 1, inRecovery: false, startedAt: 0 }),
}
const silent: Readings = { 'postgres.alive': broken('postgres.alive', { code: 'ECONNREFUSED' }) }

const started: Readonly<Record<AcceptanceState, boolean>> = {
  accepting: true,
  starting: true,
  recovering: true,
  'shutting-down': true,
  full: true,
  'no-database': true,
  'login-refused': true,
  frozen: false,
  refused: false,
  failed: false,
}

suite('started', () => {
  for (const [state, expected] of Object.entries(started) as [AcceptanceState, boolean][]) {
    test(`${expected ? 'yes' : 'no'} when a new connection meets ${state}`, () => {
      const verdict = startup({ ...silent, ...met(state) })
      assert.equal(verdict.ok, expected)
      assert.match(
        verdict.checks[0]?.reason ?? '',
        new RegExp(`^${acceptanceTexts[state].reason} \\(said ${state}\\)$`),
      )
      if (!expected) assert.notEqual(verdict.checks[0]?.action, '')
    })
  }

  test('yes when the held session answers, whatever new connections meet', () => {
    assert.equal(startup(alive).ok, true)
    assert.equal(startup({ ...alive, ...met('refused') }).ok, true)
  })

  test('not before anything was asked', () => {
    const verdict = startup({})
    assert.equal(verdict.ok, false)
    assert.deepEqual(verdict.checks, [{ name: 'postgres', status: 'unknown', reason: 'not asked yet', action: '' }])
  })

  test('by the held session alone while no new connection was tried', () => {
    const recovering = { code: '57P03', message: 'the database system is starting up' }
    assert.equal(startup({ 'postgres.alive': broken('postgres.alive', recovering) }).ok, true)
    assert.equal(startup(silent).ok, false)
    assert.equal(startup({ 'postgres.alive': broken('postgres.alive', { timedOut: true }) }).ok, false)
  })

  test('in crash recovery, with its progress', () => {
    const value = {
      state: 'starting',
      message: 'the database system is starting up',
      latencyMs: 1,
      replaying: '000000010000000000000003',
    } as const
    const verdict = startup({ ...silent, 'postgres.connect': good('postgres.connect', value) })
    assert.equal(verdict.ok, true)
    assert.equal(
      verdict.checks[0]?.reason,
      'PostgreSQL is starting up (the database system is starting up, replaying WAL file 000000010000000000000003)',
    )
  })
})
