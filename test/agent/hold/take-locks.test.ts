// All locks or none, in order, within one wait that they share; on a clock that the test turns.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { NodeLock, Taken, TakeLimits } from '../../../agent/hold/node-lock.ts'
import { takeLocks } from '../../../agent/hold/take-locks.ts'
import type { Outcome } from '../../../agent/hold/take-locks.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const held: Taken = { state: 'held' }
const never = new AbortController().signal

/** A lock that answers as it is told, one answer a try and the last one for ever, and writes down what is asked of it. */
class FakeLock implements NodeLock {
  held = false
  readonly longestWait = 900
  readonly name: string
  readonly asked: TakeLimits[] = []
  readonly #log: string[]
  readonly #answers: Taken[]
  readonly #opens: Taken[]

  constructor(name: string, log: string[], answers: Taken[], opens: Taken[] = [held]) {
    this.name = name
    this.#log = log
    this.#answers = answers
    this.#opens = opens
  }

  async open(): Promise<Taken> {
    return await Promise.resolve((this.#opens.length > 1 ? this.#opens.shift() : this.#opens[0]) ?? held)
  }

  async take(limits: TakeLimits): Promise<Taken> {
    this.asked.push(limits)
    this.#log.push(`take ${this.name}`)
    const answer = (this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]) ?? held
    this.held = answer.state === 'held'
    return await Promise.resolve(answer)
  }

  async letGo(): Promise<void> {
    this.#log.push(`let go ${this.name}`)
    this.held = false
    await Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.letGo()
  }
}

suite('the locks of a node hold', () => {
  const busy: Taken = { state: 'busy', reason: 'b is kept busy by pid 7' }

  async function take(
    locks: readonly FakeLock[],
    clock = new ManualClock(0),
    force = false,
    signal = never,
  ): Promise<{ outcome: Outcome; busy: readonly string[] }> {
    const told: string[] = []
    const options = {
      clock,
      pauseTry: 1_500,
      pauseBreak: 500,
      force,
      giveUpAt: 2_000,
      endsAt: 60_000,
      onBusy: (reason: string) => told.push(reason),
    }
    const taking = takeLocks(locks, options, signal)
    await clock.advance(10_000)
    return { outcome: await taking, busy: told }
  }

  test('are taken in order, with the rest of the lease and of the wait', async () => {
    const log: string[] = []
    const [a, b] = [new FakeLock('a', log, [held]), new FakeLock('b', log, [held])]
    assert.deepEqual((await take([a, b])).outcome, { held: true, without: [] })
    assert.deepEqual(log, ['take a', 'take b'])
    assert.deepEqual(a.asked, [{ wait: 900, lease: 60_000, force: false }])
  })

  test('are all let go when one is busy, and taken after a break', async () => {
    const log: string[] = []
    const locks = [new FakeLock('a', log, [held]), new FakeLock('b', log, [busy, held])]
    const { outcome, busy: told } = await take(locks)
    assert.deepEqual(outcome, { held: true, without: [] })
    assert.deepEqual(told, ['b is kept busy by pid 7'])
    assert.deepEqual(log, ['take a', 'take b', 'let go a', 'let go b', 'take a', 'take b'])
  })

  test('that stay busy fail with the last reason, and none is held', async () => {
    const locks = [new FakeLock('a', [], [held]), new FakeLock('b', [], [busy])]
    const { outcome } = await take(locks)
    assert.deepEqual(outcome, { failed: 'b is kept busy by pid 7' })
    assert.ok(locks.every((lock) => !lock.held))
    assert.ok((locks[0]?.asked.length ?? 0) > 1)
  })

  test('are forced from the second try on, where that is allowed', async () => {
    const lock = new FakeLock('b', [], [busy, held])
    await take([lock], new ManualClock(0), true)
    assert.deepEqual(
      lock.asked.map(({ force }) => force),
      [false, true],
    )
  })

  test('are not asked of a server that is away, which is named', async () => {
    const log: string[] = []
    const gone: Taken = { state: 'away', reason: 'b: refused' }
    const locks = [
      new FakeLock('a', log, [held]),
      new FakeLock('b', log, [held], [gone]),
      new FakeLock('c', log, [gone]),
    ]
    assert.deepEqual((await take(locks)).outcome, { held: true, without: ['b: refused', 'b: refused'] })
    assert.deepEqual(log, ['take a', 'take c'])
  })

  test('fail where every server is away', async () => {
    const locks = [new FakeLock('a', [], [held], [{ state: 'away', reason: 'a: refused' }])]
    assert.deepEqual((await take(locks)).outcome, { failed: 'a: refused' })
  })

  test('fail at once where trying again does not help', async () => {
    const no: Taken = { state: 'refused', reason: 'b: permission denied [42501]' }
    const log: string[] = []
    assert.deepEqual((await take([new FakeLock('a', log, [held]), new FakeLock('b', log, [no])])).outcome, {
      failed: 'b: permission denied [42501]',
    })
    assert.deepEqual(log, ['take a', 'take b', 'let go a', 'let go b'])
    const early: string[] = []
    await take([new FakeLock('a', early, [held]), new FakeLock('b', early, [held], [no])])
    assert.deepEqual(early, ['let go a', 'let go b'])
  })

  test('are let go and not tried again once the hold is over', async () => {
    const over = AbortSignal.abort()
    const lock = new FakeLock('b', [], [busy])
    assert.deepEqual((await take([lock], new ManualClock(0), false, over)).outcome, {
      failed: 'b is kept busy by pid 7',
    })
    assert.equal(lock.asked.length, 1)
  })
})
