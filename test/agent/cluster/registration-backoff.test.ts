// The registration loop itself, on a clock that a test turns: what wakes it early does not make it forget how often it failed.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CoordinatorLocator } from '../../../agent/cluster/coordinator.ts'
import { Registration } from '../../../agent/cluster/registration.ts'
import { loadConfig } from '../../../agent/config.ts'
import { ReadingStore } from '../../../agent/loop/readings.ts'
import type { Session } from '../../../agent/pg/session.ts'
import { newcomerFacts } from '../../support/join-facts.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { scriptedSql, serverError } from '../../support/scripted-sql.ts'
import type { Line } from '../../support/scripted-sql.ts'

const { self, view, members } = newcomerFacts()
const notebook = { name: null, verifiedAt: null }

/** A session whose server answers from a script. */
function scripted(lines: readonly Line[], asked: (text: string) => Promise<void>): Session {
  const sql = scriptedSql(...lines)
  const query = async (text: string, values: readonly unknown[]): Promise<readonly object[]> => {
    await asked(text)
    return await sql.query(text, values)
  }
  return { query, sql: () => ({ query }), close: async () => await Promise.resolve() } as unknown as Session
}

suite('a registration that fails again and again', () => {
  test('is tried with growing waits, though it is woken all the time and the ledger is slow', async () => {
    const clock = new ManualClock()
    const config = loadConfig(
      { CITUS_SIDECAR_ROLE: 'worker', CITUS_SIDECAR_ADDRESS: 'worker-1', CITUS_SIDECAR_COORDINATOR: 'coordinator' },
      'worker-1',
    )
    const readings = new ReadingStore()
    const attempts: number[] = []
    const stop = new AbortController()
    const look = (): void => {
      const when = { begunAt: clock.now(), takenAt: clock.now(), durationMs: 0 }
      const { identity, local } = self
      const alive = { latencyMs: 1, inRecovery: false, startedAt: identity.startedAt }
      readings.record('postgres.alive', { value: alive }, when)
      readings.record('postgres.identity', { value: identity }, when)
      readings.record('citus.local', { value: local }, when)
      readings.record('citus.nodes', { value: view }, when)
      registration.tell()
    }
    const ledger: readonly Line[] = [{ when: /citus_sidecar\.(members|announce)/, rows: members }]
    const inTheWay = serverError('55P03', 'canceling statement due to lock timeout')
    const registration: Registration = new Registration({
      config,
      clock,
      // The longest waits that chance allows.
      random: () => 1,
      readings,
      locator: new CoordinatorLocator(config, clock),
      report: () => undefined,
      local: scripted([{ when: /notebook/, rows: [notebook] }], async () => await Promise.resolve()),
      // The wait for the next attempt may be over before an announcement is written.
      ledger: scripted(ledger, async (text) => {
        if (text.includes('announce(')) await clock.advance(600)
      }),
      operation: scripted([{ when: /citus_sidecar\.register\(/, fails: inTheWay }], async (text) => {
        if (text.includes('citus_sidecar.register(')) attempts.push(clock.now())
        await Promise.resolve()
      }),
      draining: () => undefined,
      nodeReport: () => ({
        ready: true,
        reason: '',
        maintenance: { on: false, changedAt: 0, reason: '' },
        lagBytes: undefined,
        citusVersion: '13.2.2',
        sidecarVersion: '0.1.0',
        nodeId: undefined,
        httpPort: 9187,
        heartbeatInterval: config.heartbeatInterval,
      }),
      hearMaintenance: async () => await Promise.resolve(),
      alone: async () => await Promise.resolve(true),
      look,
      onJudged: () => undefined,
    })
    look()
    const loop = registration.run(stop.signal)
    // Somebody else's news wake it all the time.
    for (let turn = 0; turn < 600 && attempts.length < 6; turn += 1) {
      await clock.advance(250)
      look()
    }
    stop.abort()
    await loop
    assert.equal(attempts.length, 6)
    const waits = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0))
    for (const [index, least] of [500, 1_000, 2_000, 4_000, 8_000].entries())
      assert.ok((waits[index] ?? 0) >= least, `waited ${waits.join(', ')} ms`)
  })
})
