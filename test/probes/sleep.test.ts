// That waiting ends in time and leaves nothing behind.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { suite, test } from 'node:test'
import { sleep } from '../../probes/sleep.ts'

suite('a wait', () => {
  test('leaves nothing on its signal', async () => {
    const { signal } = new AbortController()
    for (let time = 0; time < 3; time += 1) await sleep(1, signal)
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })

  test('ends with its signal, without an error, before and meanwhile', async () => {
    const given = new AbortController()
    const waiting = sleep(600_000, given.signal)
    given.abort()
    await waiting
    await sleep(600_000, given.signal)
  })
})
