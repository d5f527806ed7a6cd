// eventually(): returns what it waited for, and says what it saw last when that never came.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'

test('returns the first truthy value', async () => {
  let calls = 0
  assert.equal(
    await eventually('the third call', () => (++calls === 3 ? 'third' : undefined), { interval: 1 }),
    'third',
  )
})

test('takes a throw for "not yet"', async () => {
  let calls = 0
  const value = await eventually('no throw', () => {
    calls += 1
    if (calls < 3) throw new Error('too early')
    return calls
  })
  assert.equal(value, 3)
})

test('says on the deadline what it waited for, what it saw last and the context', async () => {
  const wait = eventually('pigs fly', () => 0, { deadline: 30, interval: 1, context: () => 'the log' })
  await assert.rejects(wait, { name: 'EventuallyError', message: 'not within 0.03 s: pigs fly; last value 0\nthe log' })
})

test('keeps the last error for the message', async () => {
  const fail = (): never => {
    throw new Error('no wings')
  }
  await assert.rejects(
    eventually('pigs fly', fail, { deadline: 30, interval: 1 }),
    /pigs fly; last error Error: no wings/,
  )
})

test('rests longer than an attempt took, so that asking does not slow what is waited for', async () => {
  let [calls, busy] = [0, 0]
  const begun = performance.now()
  await eventually(
    'the third call',
    () => {
      // The last one is not rested after.
      for (const until = performance.now() + 10; calls < 2 && performance.now() < until;) busy += 1
      return ++calls === 3
    },
    { interval: 1 },
  )
  assert.ok(busy > 0)
  assert.ok(performance.now() - begun >= 2 * (10 + 30) - 1)
})

test('gives up on the deadline although an attempt hangs', async () => {
  const hang = () => new Promise<boolean>(() => undefined)
  await assert.rejects(eventually('an answer', hang, { deadline: 30 }), /an answer; last nothing yet/)
})

test('rejects with the reason of its signal', async () => {
  const controller = new AbortController()
  const wait = eventually('pigs fly', () => false, { signal: controller.signal })
  controller.abort(new Error('stop it'))
  await assert.rejects(wait, /stop it/)
})
