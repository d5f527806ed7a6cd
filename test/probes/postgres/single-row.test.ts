// The probes that ask one question with one row: alive, identity and writable.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alive } from '../../../probes/postgres/alive.ts'
import { identity } from '../../../probes/postgres/identity.ts'
import { writable } from '../../../probes/postgres/writable.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql, serverError } from '../../support/scripted-sql.ts'

const soon = AbortSignal.timeout(60_000)

test('alive tells recovery mode, start and how long the answer took', async () => {
  const sql = scriptedSql({ when: /pg_is_in_recovery/, rows: [{ inRecovery: true, startedAt: 7 }] })
  assert.deepEqual(await alive(probeLimits).read(probeContext(sql), soon), {
    inRecovery: true,
    startedAt: 7,
    latencyMs: 1,
  })
})

test('a server that is about to come is asked again sooner than one that hangs or refuses', () => {
  const probe = alive(probeLimits)
  const again = (code: string | undefined, message = 'said', timedOut = false): number | undefined =>
    probe.retry?.({ message, code, timedOut }, 1)
  assert.ok((again('ECONNREFUSED') ?? Infinity) < probe.interval, 'nothing listens')
  assert.ok((again('57P03', 'the database system is starting up') ?? Infinity) < probe.interval, 'it starts')
  assert.equal(again('57P03', 'the database system is shutting down'), undefined)
  assert.equal(again('28P01'), undefined)
  assert.equal(again(undefined, 'no answer within 3500 ms', true), undefined)
})

test('identity is the row as the server gives it', async () => {
  const row = { startedAt: 7, systemIdentifier: '7000', timeline: 3, lsn: '0/5', inRecovery: false }
  const sql = scriptedSql({ when: /pg_control_system/, rows: [row] })
  assert.deepEqual(await identity(probeLimits).read(probeContext(sql), soon), row)
})

test('an answer without a row is no answer', async () => {
  await assert.rejects(alive(probeLimits).read(probeContext(scriptedSql()), soon), /without a row/)
  await assert.rejects(identity(probeLimits).read(probeContext(scriptedSql()), soon), /without a row/)
})

test('writable runs the write it was given and nothing else', async () => {
  const sql = scriptedSql()
  assert.deepEqual(await writable(probeLimits).read(probeContext(sql), soon), { latencyMs: 1 })
  assert.deepEqual(sql.asked, [{ text: probeLimits.writeStatement, values: [] }])
})

test('writable passes on why the write failed', async () => {
  const sql = scriptedSql({ when: /write/, fails: serverError('53100', 'could not extend file') })
  await assert.rejects(writable(probeLimits).read(probeContext(sql), soon), { code: '53100' })
})
