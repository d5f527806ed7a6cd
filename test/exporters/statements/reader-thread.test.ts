// How the thread that reads the log is spoken with: what it is told and asked, what it tells, and that its end is an end with a reason.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import { ReaderThread } from '../../../exporters/statements/reader-thread.ts'
import type { EchoProtocol } from '../../support/echo-thread.ts'

const soon = (): AbortSignal => AbortSignal.timeout(20_000)

function start(onPortion: (portion: EchoProtocol['portion']) => void = () => undefined): ReaderThread<EchoProtocol> {
  const module = new URL('../../support/echo-thread.ts', import.meta.url)
  return new ReaderThread<EchoProtocol>({ module, data: { greeting: 'hello' }, onPortion })
}

suite('a thread', () => {
  test('answers each question with its own answer, and refuses with its reason', async () => {
    await using thread = start()
    const asked = ['a', 'b', 'c'].map(async (word) => await thread.ask('echo', word, soon()))
    assert.deepEqual(await Promise.all(asked), ['hello a', 'hello b', 'hello c'])
    await assert.rejects(thread.ask('refuse', 'way', soon()), { message: 'no way' })
  })

  test('is not waited for longer than the signal says, nor asked once that has aborted', async () => {
    await using thread = start()
    const given = new AbortController()
    const asked = thread.ask('never', undefined, given.signal)
    await thread.ask('echo', 'x', soon())
    given.abort(new Error('enough'))
    await assert.rejects(asked, { message: 'enough' })
    await assert.rejects(thread.ask('echo', 'x', given.signal), { message: 'enough' })
  })

  test('tells everything once and in order, in few portions while nobody takes them', async () => {
    const portions: (readonly number[])[] = []
    await using thread = start(({ numbers }) => portions.push(numbers))
    thread.tell({ portions: 1_000 })
    await eventually('all has arrived', () => portions.flat().length === 1_000)
    assert.deepEqual(
      portions.flat(),
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    )
    assert.ok(portions.length <= 3, `one portion while the others wait: ${portions.length}`)
  })

  test('that is disposed of ends without a reason', async () => {
    const thread = start()
    await thread.ask('echo', 'x', soon())
    const asked = thread.ask('never', undefined, soon())
    const refused = assert.rejects(asked, { message: 'the thread that reads the log ended' })
    await thread[Symbol.asyncDispose]()
    assert.equal(await thread.ended, undefined)
    await refused
  })

  for (const [how, reason] of [
    ['exit', /^it ended with code 3$/],
    ['throw', /^on purpose$/],
    ['memory', /memory/],
  ] as const)
    test(`that dies of ${how} says so, and so does every question that waits`, async () => {
      await using thread = start()
      const waits = assert.rejects(thread.ask('never', undefined, soon()))
      await thread.ask('die', how, soon()).catch(() => undefined)
      assert.match((await thread.ended) ?? '', reason)
      await waits
    })
})
