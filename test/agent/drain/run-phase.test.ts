// What a phase comes to, whoever ends it: itself, its time, an event, the sidecar.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { PhaseRun } from '../../../agent/drain/run-phase.ts'
import { LeftUndone } from '../../../agent/drain/step.ts'
import { systemClock } from '../../../agent/loop/clock.ts'

const never = new AbortController().signal
const long = 60_000

/** Works until it is aborted, and then throws this, or thinks that all is well. */
function stubborn(thrown?: Error): (signal: AbortSignal) => Promise<string> {
  return async (signal) => {
    await systemClock.sleep(long, signal)
    if (thrown !== undefined) throw thrown
    return 'all is well'
  }
}

suite('a phase that runs', () => {
  test('comes to what it says, or to why it could not', async () => {
    const good = await new PhaseRun().run(long, async () => await Promise.resolve('did it'), undefined, never)
    assert.deepEqual(good, { state: 'done', reason: 'did it' })
    const bad = await new PhaseRun().run(long, async () => await Promise.reject(new Error('no')), undefined, never)
    assert.deepEqual(bad, { state: 'failed', reason: 'no' })
  })

  test('says what it left when its time is up, and else that it was', async () => {
    const run = async (work: (signal: AbortSignal) => Promise<string>): Promise<unknown> =>
      await new PhaseRun().run(1, work, undefined, never)
    assert.deepEqual(await run(stubborn(new LeftUndone('three left'))), { state: 'failed', reason: 'three left' })
    assert.deepEqual(await run(stubborn(new Error('broken'))), { state: 'failed', reason: 'its time was up' })
    assert.deepEqual(await run(stubborn()), { state: 'done', reason: 'all is well' })
  })

  for (const thrown of [undefined, new Error('broken'), new LeftUndone('three left')])
    test(`that an event breaks off says which, also where its work ${thrown?.message ?? 'does not notice'}`, async () => {
      const phase = new PhaseRun()
      const ended = phase.run(long, stubborn(thrown), undefined, never)
      phase.breakOff('PostgreSQL stopped before it was done')
      assert.deepEqual(await ended, { state: 'failed', reason: 'PostgreSQL stopped before it was done' })
    })

  test('comes to nothing when the sidecar ends, whose next one runs it again', async () => {
    const ends = new AbortController()
    const ended = new PhaseRun().run(long, stubborn(new Error('aborted')), undefined, ends.signal)
    ends.abort()
    assert.equal(await ended, undefined)
  })

  test('lets what goes on beside it end before it has ended', async () => {
    let goes = true
    const beside = async (signal: AbortSignal): Promise<void> => {
      await systemClock.sleep(long, signal)
      goes = false
    }
    await new PhaseRun().run(long, async () => await Promise.resolve('did it'), beside, never)
    assert.equal(goes, false)
  })
})
