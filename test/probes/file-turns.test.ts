// Turns of reads: one at a time, and a read that hangs keeps nobody but itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FileTurns } from '../../probes/file-turns.ts'

const patient = AbortSignal.timeout(60_000)

test('reads run one after the other, whatever becomes of them', async () => {
  const turns = new FileTurns()
  const seen: string[] = []
  const read = (name: string) => async (): Promise<string> => {
    seen.push(`${name} begins`)
    await Promise.resolve()
    seen.push(`${name} ends`)
    if (name === 'b') throw new Error('unreadable')
    return name
  }
  const [a, b, c] = await Promise.allSettled(['a', 'b', 'c'].map((name) => turns.run(read(name), patient)))
  assert.deepEqual([a?.status, b?.status, c?.status], ['fulfilled', 'rejected', 'fulfilled'])
  assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('who gives up is let go, and no other read begins while one hangs', async () => {
  const turns = new FileTurns()
  const hanging = Promise.withResolvers<string>()
  const first = new AbortController()
  const reading = Promise.withResolvers<void>()
  const one = turns.run(async () => {
    reading.resolve()
    return await hanging.promise
  }, first.signal)
  let begun = 0
  const next = async (): Promise<string> => {
    begun += 1
    return await Promise.resolve('read')
  }
  const second = new AbortController()
  const two = turns.run(next, second.signal)
  const three = turns.run(next, patient)
  await reading.promise
  first.abort(new Error('too late'))
  await assert.rejects(one, /too late/)
  second.abort(new Error('too late, too'))
  await assert.rejects(two, /too late, too/)
  assert.equal(begun, 0)
  hanging.resolve('at last')
  assert.equal(await three, 'read')
  assert.equal(begun, 1)
})
