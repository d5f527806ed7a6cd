// A standby's replication: row to reading, honest about what nobody can know.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { replication, toReplication } from '../../../probes/postgres/replication.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql } from '../../support/scripted-sql.ts'

const row = {
  status: 'streaming',
  lagBytes: 1024,
  silentMs: 12,
  timeoutMs: 60_000,
  statusMs: 10_000,
  replayPaused: false,
}
const reading = { status: 'streaming', lagBytes: 1024, silentMs: 12, silenceAllowedMs: 35_000, replayPaused: false }

suite('a row of the WAL receiver', () => {
  test('that streams has a lag', () => {
    assert.deepEqual(toReplication(row), reading)
  })

  test('whose sender is behind our replay has lag 0, not a negative one', () => {
    assert.equal(toReplication({ ...row, lagBytes: -16 }).lagBytes, 0)
  })

  for (const status of ['stopped', 'starting', 'waiting', 'restarting', 'stopping'])
    test(`that is ${status} has an unknown lag, though the last number is still there`, () => {
      assert.equal(toReplication({ ...row, status, lagBytes: 0 }).lagBytes, undefined)
    })

  test('that does not exist has neither lag nor silence', () => {
    const gone = { ...row, status: null, lagBytes: null, silentMs: null, replayPaused: true }
    assert.deepEqual(toReplication(gone), {
      status: undefined,
      lagBytes: undefined,
      silentMs: undefined,
      silenceAllowedMs: 35_000,
      replayPaused: true,
    })
  })

  for (const [what, timeoutMs, statusMs, allowed] of [
    ['by default until the receiver has asked and waited for the answer', 60_000, 10_000, 35_000],
    ['never less than 30 s, nor than three of its reports', 2_000, 15_000, 45_000],
    ['with a long timeout for longer: only then an idle primary is asked', 600_000, 10_000, 305_000],
    ['for ever where the receiver never asks', 0, 10_000, undefined],
  ] as const)
    test(`allows silence ${what}`, () => {
      assert.equal(toReplication({ ...row, timeoutMs, statusMs }).silenceAllowedMs, allowed)
    })

  test('that streams but has heard no position yet has an unknown lag', () => {
    assert.equal(toReplication({ ...row, lagBytes: null }).lagBytes, undefined)
  })
})

suite('the replication probe', () => {
  test('on a server that was promoted meanwhile finds no receiver and asks no recovery function', async () => {
    const sql = scriptedSql({ when: /pg_is_in_recovery/, rows: [{ yes: false }] })
    const found = await replication(probeLimits).read(probeContext(sql), AbortSignal.timeout(5_000))
    assert.equal(found.status, undefined)
    assert.equal(found.lagBytes, undefined)
    assert.equal(sql.asked.length, 1)
  })

  test('on a standby reads the receiver', async () => {
    const sql = scriptedSql({ when: /as yes/, rows: [{ yes: true }] }, { when: /pg_stat_wal_receiver/, rows: [row] })
    const found = await replication(probeLimits).read(probeContext(sql), AbortSignal.timeout(5_000))
    assert.deepEqual(found, reading)
  })

  test('without a row fails', async () => {
    const sql = scriptedSql({ when: /as yes/, rows: [{ yes: true }] })
    await assert.rejects(replication(probeLimits).read(probeContext(sql), AbortSignal.timeout(5_000)), /without a row/)
  })
})
