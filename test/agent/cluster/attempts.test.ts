// When another attempt is due: waits that grow with every failure in a row, and what ends a row.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Attempts } from '../../../agent/cluster/attempts.ts'
import { finding } from '../../../agent/cluster/findings.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const why = finding('registration-waits', 'somebody is in the way')
const interval = 10_000

class Watched {
  readonly clock = new ManualClock()
  /** The longest waits that chance allows. */
  readonly attempts = new Attempts(this.clock, () => 1)

  /** Fails once and returns how long no other attempt may begin. */
  async failed(): Promise<number> {
    this.attempts.failed(why)
    const pause = this.attempts.pause(interval)
    assert.equal(this.attempts.stopped, why)
    await this.clock.advance(pause)
    assert.equal(this.attempts.stopped, undefined)
    return pause
  }
}

suite('attempts at joining', () => {
  test('wait longer after each failure, up to 15 s', async () => {
    const watched = new Watched()
    const waits: number[] = []
    while (waits.length < 8) waits.push(await watched.failed())
    assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  test('wait the rest of their time, whatever wakes the loop in between', async () => {
    const { attempts, clock } = new Watched()
    attempts.failed(why)
    await clock.advance(200)
    assert.equal(attempts.pause(interval), 300)
    assert.equal(attempts.stopped, why)
  })

  for (const end of ['succeeded', 'idle'] as const)
    test(`begin with a short wait again once one ${end === 'idle' ? 'is no longer wanted' : 'succeeded'}`, async () => {
      const watched = new Watched()
      await watched.failed()
      await watched.failed()
      watched.attempts[end]()
      assert.equal(watched.attempts.pause(interval), interval)
      assert.equal(await watched.failed(), 500)
    })

  test('that somebody has to mend wait a minute, while it is looked as often as ever', async () => {
    const { attempts, clock } = new Watched()
    attempts.gaveUp(why)
    attempts.idle()
    assert.equal(attempts.pause(interval), interval)
    await clock.advance(59_999)
    assert.equal(attempts.stopped, why)
    await clock.advance(1)
    assert.equal(attempts.stopped, undefined)
  })

  test('are not put off by what nobody could answer, only the next look is', () => {
    const { attempts } = new Watched()
    attempts.unanswered()
    attempts.unanswered()
    assert.equal(attempts.stopped, undefined)
    assert.equal(attempts.pause(interval), 1_000)
  })
})
