// The store of readings: the last result of each probe, and the last good one besides.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ReadingStore } from '../../../agent/loop/readings.ts'

const when = { begunAt: 10, takenAt: 12, durationMs: 2 }
const later = { begunAt: 20, takenAt: 25, durationMs: 5 }
const error = { message: 'no answer', code: undefined, timedOut: true }

suite('readings', () => {
  test('there is none before a probe ran', () => {
    const store = new ReadingStore()
    assert.equal(store.get('postgres.writable'), undefined)
    assert.deepEqual(store.all(), {})
  })

  test('a good run is both the last and the last good one', () => {
    const store = new ReadingStore()
    store.record('postgres.writable', { value: { latencyMs: 3 } }, when)
    assert.deepEqual(store.get('postgres.writable'), {
      probe: 'postgres.writable',
      ...when,
      waitedMs: 0,
      value: { latencyMs: 3 },
      error: undefined,
      lastGood: { value: { latencyMs: 3 }, takenAt: 12 },
      failures: 0,
    })
  })

  test('a failed run has no value and keeps the last good one with its age', () => {
    const store = new ReadingStore()
    store.record('postgres.writable', { value: { latencyMs: 3 } }, when)
    store.record('postgres.writable', { error }, later)
    const reading = store.get('postgres.writable')
    assert.equal(reading?.value, undefined)
    assert.deepEqual(reading?.error, error)
    assert.equal(reading?.takenAt, 25)
    assert.deepEqual(reading?.lastGood, { value: { latencyMs: 3 }, takenAt: 12 })
  })

  test('a failure before any success has no last good one', () => {
    const store = new ReadingStore()
    store.record('postgres.writable', { error }, when)
    assert.equal(store.get('postgres.writable')?.lastGood, undefined)
  })

  test('a snapshot does not change with later readings', () => {
    const store = new ReadingStore()
    const before = store.all()
    store.record('postgres.writable', { value: { latencyMs: 3 } }, when)
    const between = store.all()
    store.record('postgres.writable', { error }, later)
    assert.deepEqual(before, {})
    assert.equal(between['postgres.writable']?.takenAt, 12)
  })

  test('each reading is told by name, forgetting is not', () => {
    const store = new ReadingStore()
    const told: string[] = []
    store.on('reading', (name) => told.push(name))
    store.record('postgres.writable', { error }, when)
    store.record('citus.peers', { value: [] }, when)
    store.forget('citus.peers')
    assert.deepEqual(told, ['postgres.writable', 'citus.peers'])
    assert.equal(store.get('citus.peers'), undefined)
    assert.equal(store.get('postgres.writable')?.takenAt, 12)
  })
})
