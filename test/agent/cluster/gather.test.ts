// What a decision may rest on: both answers of the local server, of the run that is up now, not older than the last action.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gatherFacts, localAnswer, selfOf } from '../../../agent/cluster/gather.ts'
import { loadConfig } from '../../../agent/config.ts'
import { ReadingStore } from '../../../agent/loop/readings.ts'
import type { Session } from '../../../agent/pg/session.ts'
import { members, memberOf, workerFacts } from '../../support/join-facts.ts'
import { scriptedSql } from '../../support/scripted-sql.ts'

const { identity, local } = workerFacts().self
const run = identity.startedAt
const alive = { latencyMs: 1, inRecovery: false, startedAt: run }
const failure = { message: 'no answer', code: undefined, timedOut: true }

function at(begunAt: number): { begunAt: number; takenAt: number; durationMs: number } {
  return { begunAt, takenAt: begunAt + 2, durationMs: 2 }
}

function answered(): ReadingStore {
  const store = new ReadingStore()
  store.record('postgres.alive', { value: alive }, at(100))
  store.record('postgres.identity', { value: identity }, at(100))
  store.record('citus.local', { value: local }, at(100))
  return store
}

suite('the answer of the local server', () => {
  test('is identity and metadata of one run', () => {
    assert.deepEqual(localAnswer(answered(), 0), { identity, local })
  })

  test('is simply missing before everything was asked', () => {
    assert.deepEqual(localAnswer(new ReadingStore(), 0), { missing: undefined })
  })

  test('is missing with the reason when one of both failed', () => {
    for (const name of ['postgres.identity', 'citus.local'] as const) {
      const store = answered()
      store.record(name, { error: failure }, at(200))
      assert.deepEqual(localAnswer(store, 0), { missing: 'no answer' })
    }
  })

  test('is not taken from another run of the server', () => {
    const restarted = answered()
    restarted.record('postgres.alive', { value: { ...alive, startedAt: run + 1 } }, at(300))
    assert.deepEqual(localAnswer(restarted, 0), { missing: undefined })
    const half = answered()
    half.record('citus.local', { value: { ...local, startedAt: run + 1 } }, at(300))
    assert.deepEqual(localAnswer(half, 0), { missing: undefined })
  })

  test('is not taken from before the last action', () => {
    assert.deepEqual(localAnswer(answered(), 101), { missing: undefined })
    assert.ok('identity' in localAnswer(answered(), 100))
  })
})

test('a node is what its settings and its server say', () => {
  const config = loadConfig(
    { CITUS_SIDECAR_ROLE: 'worker', CITUS_SIDECAR_ADDRESS: 'w:6000', CITUS_SIDECAR_COORDINATOR: 'c' },
    'worker-1',
  )
  assert.deepEqual(selfOf(config, { identity, local }), {
    name: 'worker-1',
    role: 'worker',
    address: { host: 'w', port: 6_000 },
    group: { id: 2, from: 'ordinal' },
    registerStandby: false,
    followPromotion: false,
    clusterName: 'default',
    identity,
    local,
  })
})

suite('the facts', () => {
  const { self, notebook, view } = workerFacts()
  const bounds = { timeout: 1_000, signal: AbortSignal.timeout(60_000) }
  const history = { when: /timeline_history/, rows: [{ history: 'a history' }] }

  async function gather(known: readonly object[]): Promise<{ history: string; asked: number }> {
    const here = scriptedSql(history)
    const ledger = scriptedSql({ when: /citus_sidecar\.members/, rows: known })
    const session = (sql: typeof here): Session => ({ sql: () => sql }) as unknown as Session
    const sources = { self, notebook, view, accepted: undefined, local: session(here), ledger: session(ledger) }
    const { members: found, timelineHistory } = await gatherFacts(sources, bounds)
    assert.deepEqual(found, known)
    return { history: timelineHistory, asked: here.asked.length }
  }

  test('have the members of the ledger, and no history while the timeline is the known one', async () => {
    assert.deepEqual(await gather(members), { history: '', asked: 0 })
    assert.deepEqual(await gather([]), { history: '', asked: 0 })
  })

  test('have the history of a timeline that the ledger does not know', async () => {
    assert.deepEqual(await gather([memberOf('worker-1', 2, { timeline: 2 })]), { history: 'a history', asked: 1 })
  })
})
