// Times of two nodes: how far their clocks are apart, what that is worth, and what it makes of times.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { clampInto } from '../../../exporters/statements/clamp-into.ts'
import { initiatorOf } from '../../../exporters/statements/gpid.ts'
import { offsetOf, PeerClock } from '../../../exporters/statements/peer-clock.ts'
import { wallClock } from '../../../exporters/statements/wall-clock.ts'

const ms = (max: number, min = 0) => fc.double({ min, max, noNaN: true })

/** An exchange at a time, with a clock that is ahead of ours, as long on its way there and back. */
function exchange(at: number, ahead: number, there: number, back: number) {
  const receivedAt = at + there + ahead
  return { askedAt: at, receivedAt, sentAt: receivedAt + 1, answeredAt: at + there + 1 + back }
}

suite('the clock of a peer', () => {
  test('is as far as is said, within what is said', () => {
    fc.assert(
      fc.property(ms(1_000, -1_000), ms(50), ms(50), (ahead, there, back) => {
        const { offset, uncertainty } = offsetOf(exchange(1_000_000, ahead, there, back))
        assert.ok(Math.abs(offset - ahead) <= uncertainty + 1e-6)
      }),
    )
  })

  test('is told by the best of the last exchanges', () => {
    const clock = new PeerClock()
    assert.equal(clock.offset(0), undefined)
    clock.learn(exchange(0, 5, 1, 1))
    for (let n = 1; n < 8; n += 1) clock.learn(exchange(n, 5, 0, 20))
    assert.deepEqual([clock.offset(29)?.offset, Number(clock.offset(29)?.uncertainty.toFixed(2))], [5, 1])
    for (let n = 8; n < 10; n += 1) clock.learn(exchange(n, 5, 0, 20))
    assert.equal(clock.offset(29)?.offset, -5)
  })

  test('is less sure the older what is known of it is', () => {
    const clock = new PeerClock()
    clock.learn(exchange(0, 5, 1, 1))
    assert.deepEqual([clock.fresh(30_000), clock.fresh(40_000)], [true, false])
    assert.ok((clock.offset(60_003)?.uncertainty ?? 0) > 6.9)
  })

  test('is measured anew once it was set', () => {
    const clock = new PeerClock()
    clock.learn(exchange(0, 5, 1, 1))
    clock.learn(exchange(1_000, 500, 3, 3))
    assert.equal(clock.offset(2_000)?.offset, 500)
  })
})

suite('the wall clock with fractions', () => {
  test('is never a millisecond from the wall clock, also when that is set', () => {
    const jump = fc.record({ wait: ms(10), set: fc.oneof(fc.constant(0), ms(500, -500)) })
    fc.assert(
      fc.property(fc.array(jump, { minLength: 1 }), (jumps) => {
        let [wall, fine] = [1_000_000.5, 3]
        const now = wallClock(
          () => Math.floor(wall),
          () => fine,
        )
        for (const { wait, set } of jumps) {
          wall += wait + set
          fine += wait
          assert.ok(Math.abs(now() - wall) <= 1 + 1e-6)
        }
      }),
    )
  })

  test('has fractions once it has seen the wall clock turn', () => {
    let time = 0
    const now = wallClock(
      () => 1_000_000 + Math.floor(time),
      () => time,
    )
    for (; time < 20; time += 0.03) now()
    assert.ok(Math.abs(now() - 1_000_000 - time) < 0.05)
  })
})

suite('a child', () => {
  test('lies within its parent, and where it was as far as that does', () => {
    const parent = { startedAt: 10, endedAt: 20 }
    const cases: readonly [number, number, number, number][] = [
      [12, 15, 12, 15],
      [8, 15, 10, 15],
      [12, 25, 12, 20],
      [1, 5, 10, 10],
      [30, 35, 20, 20],
    ]
    for (const [startedAt, endedAt, from, to] of cases)
      assert.deepEqual(clampInto(parent, { startedAt, endedAt }), { startedAt: from, endedAt: to })
  })
})

suite('a global number', () => {
  const cases: readonly [gpid: string, initiator: { nodeId: string; pid: number } | undefined][] = [
    ['10000000077', { nodeId: '1', pid: 77 }],
    ['9999999980004194304', { nodeId: '999999998', pid: 4_194_304 }],
    ['999999990000021686', undefined],
    ['77', undefined],
    ['', undefined],
    ['0010000000077', undefined],
  ]
  for (const [gpid, initiator] of cases)
    test(`${gpid || 'of nothing'} leads to ${initiator?.nodeId ?? 'no node'}`, () =>
      assert.deepEqual(initiatorOf(gpid), initiator))
})
