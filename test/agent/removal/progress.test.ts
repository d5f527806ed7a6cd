// How far a move is, and how long it will take.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytesText, countText, timeText } from '../../../agent/removal/amounts.ts'
import { ProgressMeter } from '../../../agent/removal/progress.ts'
import type { Look, Progress } from '../../../agent/removal/progress.ts'

const look = (seconds: number, leftBytes: number | undefined, leftShards = 4): Look => ({
  at: 1_000_000 + seconds * 1_000,
  leftShards,
  leftBytes,
  moving: '',
})

/** Takes looks as the remover does: each with what the ledger has of the one before. */
function taken(meter: ProgressMeter, ...looks: readonly Look[]): Progress | null {
  return looks.reduce<Progress | null>((before, one) => meter.take(one, before), null)
}

suite('progress', () => {
  test('has no rate before there was time to measure one', () => {
    const found = taken(new ProgressMeter(), look(0, 1_000), look(1, 900))
    assert.deepEqual([found?.bytesPerSecond, found?.etaSeconds, found?.totalBytes], [null, null, 1_000])
  })

  test('has the rate of the last minute and the time to go at that rate', () => {
    const found = taken(new ProgressMeter(), look(0, 10_000), look(60, 9_400, 3), look(120, 3_400, 2))
    assert.deepEqual([found?.bytesPerSecond, found?.etaSeconds], [100, 34])
    assert.deepEqual([found?.totalShards, found?.leftShards, found?.leftBytes], [4, 2, 3_400])
  })

  test('never goes backwards in time: what grows has no rate', () => {
    const found = taken(new ProgressMeter(), look(0, 1_000), look(10, 1_500))
    assert.deepEqual([found?.bytesPerSecond, found?.etaSeconds, found?.totalBytes], [0, null, 1_500])
  })

  test('keeps the whole that an earlier process measured, and what it knows where the node does not say', () => {
    const first = taken(new ProgressMeter(), look(0, 5_000))
    const next = new ProgressMeter()
    const found = next.take(look(30, 2_000, 1), first)
    assert.deepEqual([found.totalBytes, found.leftBytes, found.totalShards, found.leftShards], [5_000, 2_000, 4, 1])
    const blind = next.take(look(32, undefined, 1), found)
    assert.deepEqual([blind.totalBytes, blind.leftBytes, blind.leftShards, blind.etaSeconds], [5_000, null, 1, null])
  })

  test('of another removal begins anew', () => {
    const meter = new ProgressMeter()
    taken(meter, look(0, 9_000), look(10, 1_000))
    meter.reset()
    assert.equal(meter.take(look(12, 800), null).bytesPerSecond, null)
  })
})

test('amounts are read by people', () => {
  assert.deepEqual([0, 1, 1_023, 1_024, 1_536, 5 * 1024 ** 3, 3_000 * 1024 ** 4].map(bytesText), [
    '0 bytes',
    '1 bytes',
    '1023 bytes',
    '1.0 kB',
    '1.5 kB',
    '5.0 GB',
    '3000.0 TB',
  ])
  assert.deepEqual([0, 59.6, 125, 7_320].map(timeText), ['0 s', '1 min 0 s', '2 min 5 s', '2 h 2 min'])
  assert.deepEqual([countText(1, 'shard'), countText(0, 'shard')], ['1 shard', '0 shards'])
})
