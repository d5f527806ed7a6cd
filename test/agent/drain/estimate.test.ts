// How long phases would take, from what a stop would cost: what is known, what is assumed, and that more to do never takes less.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { estimatePhases, expectationsOf, prepareCost } from '../../../agent/drain/estimate.ts'
import type { Archiver, StopCost } from '../../../probes/postgres/stop-cost.ts'
import { MB, resting } from '../../support/stop-costs.ts'

const archiver = (change: Partial<Archiver>): StopCost => ({
  ...resting,
  archiver: { waiting: 0, busyMs: 0, segmentMs: 500, failedMsAgo: undefined, ...change },
})

suite('a checkpoint', () => {
  const cases: readonly [what: string, cost: Partial<StopCost>, ms: number][] = [
    ['of nothing takes no time', {}, 0],
    ['of WAL since the last one is assumed to go at 64 MB/s', { walBytes: 640 * MB }, 10_000],
    ['writes no more than there are buffers', { walBytes: 640 * MB, sharedBuffersBytes: 64 * MB }, 1_000],
    [
      'goes as fast as checkpoints have been',
      { walBytes: 640 * MB, checkpointBytes: 1_280 * MB, checkpointMs: 10_000 },
      5_000,
    ],
    [
      'is not believed to be as slow as those that took their time',
      { walBytes: 640 * MB, checkpointBytes: 1_280 * MB, checkpointMs: 270_000 },
      10_000,
    ],
    [
      'is not believed to be as fast as a few pages',
      { walBytes: 640 * MB, checkpointBytes: 2 * MB, checkpointMs: 1 },
      10_000,
    ],
  ]
  for (const [what, cost, ms] of cases)
    test(what, () => assert.equal(prepareCost({ ...resting, ...cost }).checkpointMs, ms))
})

suite('archiving', () => {
  const cases: readonly [what: string, cost: StopCost, ms: number | undefined][] = [
    ['takes no time where it is off', { ...resting, archiver: undefined }, 0],
    ['takes as long as the last segment, for the one that a drain closes', archiver({}), 500],
    ['takes as much for each that waits', archiver({ waiting: 9 }), 5_000],
    ['is unknown where none has been archived', archiver({ segmentMs: undefined }), undefined],
    [
      'is known by the segment that is being archived',
      archiver({ segmentMs: undefined, waiting: 2, busyMs: 4_000 }),
      12_000,
    ],
    ['that hangs takes as long again as it has', archiver({ waiting: 1, busyMs: 60_000 }), 120_000],
    ['that fails is not waited for', archiver({ waiting: 40, busyMs: 60_000, failedMsAgo: 1_000 }), 0],
  ]
  for (const [what, cost, ms] of cases) test(what, () => assert.equal(prepareCost(cost).archiveMs, ms))
})

suite('an estimate', () => {
  test('says what it rests on', () => {
    const cost = { ...resting, walBytes: 64 * MB, walBytesPerSecond: 32 * MB, clients: 3, prepared: 1, preparedMs: 700 }
    const found = estimatePhases({ ...cost, longest: { ms: 900, who: 'psql of app (pid 7)' } })
    assert.deepEqual(found, {
      prepare: { ms: 1_500, because: 'at most 64.0 MB to write, WAL segments to archive: 1' },
      drain: { ms: 900, because: 'clients: 3, the longest transaction is that of psql of app (pid 7)' },
      settle: { ms: 700, because: 'two-phase commits that are prepared: 1' },
      flush: { ms: 750, because: 'as long as 32.0 MB/s of WAL go on' },
    })
  })

  test('of clients that rest is the moment for which they are spared', () => {
    assert.equal(estimatePhases({ ...resting, clients: 100 }).drain?.ms, 200)
    assert.equal(estimatePhases(resting).drain?.ms, 0)
  })

  test('is none where nobody has been asked, and none of the second checkpoint at the first reading', () => {
    assert.deepEqual(estimatePhases(undefined), {})
    assert.deepEqual(expectationsOf(undefined), {})
    assert.equal(estimatePhases({ ...resting, walBytesPerSecond: undefined }).flush, undefined)
  })

  test('is kept in whole milliseconds', () => {
    assert.deepEqual(expectationsOf({ ...resting, walBytes: 100_000 }), {
      prepare: 501,
      drain: 0,
      settle: 0,
      flush: 0,
    })
  })

  test('of more WAL, more segments and older transactions is never less', () => {
    const cost = fc.record({
      walBytes: fc.nat({ max: 2 ** 31 - 1 }),
      walBytesPerSecond: fc.nat({ max: 1_000 * MB }),
      checkpointBytes: fc.nat({ max: 2 ** 31 - 1 }),
      checkpointMs: fc.nat({ max: 10_000_000 }),
      waiting: fc.nat({ max: 10_000 }),
      busyMs: fc.nat({ max: 1_000_000 }),
      longestMs: fc.nat({ max: 10_000_000 }),
      preparedMs: fc.nat({ max: 10_000_000 }),
    })
    const more = fc.record({
      walBytes: fc.nat({ max: 1_000 * MB }),
      waiting: fc.nat({ max: 100 }),
      busyMs: fc.nat({ max: 100_000 }),
      longestMs: fc.nat({ max: 100_000 }),
      preparedMs: fc.nat({ max: 100_000 }),
    })
    const expectations = ({
      waiting,
      busyMs,
      longestMs,
      ...rest
    }: typeof cost extends fc.Arbitrary<infer T> ? T : never) =>
      expectationsOf({ ...archiver({ waiting, busyMs }), ...rest, clients: 1, longest: { ms: longestMs, who: 'a' } })
    fc.assert(
      fc.property(cost, more, (one, added) => {
        const before = expectations(one)
        const after = expectations({
          ...one,
          ...Object.fromEntries(
            Object.entries(added).map(([name, by]) => [name, one[name as keyof typeof added] + by]),
          ),
        })
        for (const [name, ms = 0] of Object.entries(before)) {
          assert.ok(ms >= 0 && Number.isFinite(ms), name)
          assert.ok((after[name as keyof typeof after] ?? 0) >= ms, `${name}: ${JSON.stringify([before, after])}`)
        }
      }),
    )
  })
})
