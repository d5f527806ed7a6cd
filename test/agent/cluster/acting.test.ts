// A registration call and the drain that ends it, or keeps it from being made.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Acting } from '../../../agent/cluster/acting.ts'
import { Interrupted } from '../../../agent/cluster/operation.ts'
import { loadConfig } from '../../../agent/config.ts'
import { Session } from '../../../agent/pg/session.ts'

const config = loadConfig({ CITUS_SIDECAR_ROLE: 'standalone', CITUS_SIDECAR_STATEMENT_TIMEOUT: '100ms' }, 'test')

/** A call whose connection is never made; `onConnect` hears that it is tried. */
function call(onConnect: () => void): Parameters<Acting['run']> {
  const target = async (signal: AbortSignal): Promise<never> => {
    onConnect()
    const { promise, reject } = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    return await promise
  }
  const options = { config, session: new Session(config, { target }), report: () => undefined, member: 'worker-1' }
  return ['add', 'it is not there', options, new AbortController().signal]
}

suite('a registration call', () => {
  test('is not made where a drain has begun since it was permitted', async () => {
    const acting = new Acting(() => 'this node is about to be drained')
    const found = await acting.run(...call(() => assert.fail('the coordinator was asked')))
    assert.ok(found instanceof Interrupted)
    assert.equal(found.message, 'this node is about to be drained')
  })

  test('ends when a drain begins, not when something else changes', { timeout: 60_000 }, async () => {
    let draining: string | undefined
    const acting = new Acting(() => draining)
    const asked = Promise.withResolvers<void>()
    let over = false
    const running = acting.run(...call(() => asked.resolve())).finally(() => (over = true))
    await asked.promise
    acting.look()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(over, false)
    draining = 'this node is about to be drained'
    acting.look()
    assert.ok((await running) instanceof Interrupted)
  })
})
