// What a decision may rest on: both answers of the local server, of the run that is up now, not older than the last action.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { localAnswer, selfOf } from '../../../agent/cluster/gather.ts'
import { loadConfig } from '../../../agent/config.ts'
import { ReadingStore } from '../../../agent/loop/readings.ts'
import { workerFacts } from '../../support/join-facts.ts'

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
