// The connection of a pooler's hold to the ledger: closed as soon as nobody asks, never under a question that still runs.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sessionLedger } from '../../../agent/hold/session-ledger.ts'
import type { Sql } from '../../../probes/sql.ts'

const { signal } = new AbortController()
const answer = { holder: 'p', kind: 'pool', state: 'held', reason: '' } as const

/** A session whose queries end when the test says so; one that is closed under a query fails it. */
function slowSession() {
  const running: PromiseWithResolvers<readonly never[]>[] = []
  const state = { closes: 0 }
  const query: Sql['query'] = async () => {
    const one = Promise.withResolvers<readonly never[]>()
    running.push(one)
    return await one.promise
  }
  const close = async (): Promise<void> => {
    state.closes += 1
    for (const one of running.splice(0)) one.reject(new Error('the connection ended while the query ran'))
    await Promise.resolve()
  }
  return { state, running, session: { sql: (): Sql => ({ query }), close } }
}

suite('the ledger of a pooler’s hold', () => {
  test('closes its connection after a question', async () => {
    const { state, running, session } = slowSession()
    const asked = sessionLedger(session, 1_000, () => undefined).open(signal)
    running.shift()?.resolve([])
    assert.equal(await asked, undefined)
    assert.equal(state.closes, 1)
  })

  test('leaves it open for a question that still runs, and closes it after the last', async () => {
    const { state, running, session } = slowSession()
    const ledger = sessionLedger(session, 1_000, () => assert.fail())
    const watched = ledger.read('x', signal)
    const answered = ledger.answer('x', answer, signal)
    const [first, second] = running.splice(0)
    running.push(...(second === undefined ? [] : [second]))
    first?.resolve([])
    await watched
    assert.equal(state.closes, 0)
    running.shift()?.resolve([])
    await answered
    assert.equal(state.closes, 1)
  })

  test('names the error of the question that failed, and lets the other one finish', async () => {
    const { state, running, session } = slowSession()
    const errors: unknown[] = []
    const ledger = sessionLedger(session, 1_000, (error) => errors.push(error))
    const watched = ledger.read('x', signal)
    const answered = ledger.answer('x', answer, signal)
    const [first, second] = running.splice(0)
    running.push(...(second === undefined ? [] : [second]))
    first?.reject(new Error('no answer within 1000 ms'))
    await assert.rejects(watched, /no answer within 1000 ms/)
    assert.equal(state.closes, 0)
    running.shift()?.resolve([])
    await answered
    assert.deepEqual(
      errors.map((error) => (error as Error).message),
      ['no answer within 1000 ms'],
    )
    assert.equal(state.closes, 1)
  })
})
