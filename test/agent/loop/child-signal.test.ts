// A signal that ends with its parent or by itself, and leaves nothing behind.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { suite, test } from 'node:test'
import { ChildSignal } from '../../../agent/loop/child-signal.ts'

suite('a child signal', () => {
  test('ends with its parent, for the same reason', () => {
    const parent = new AbortController()
    using child = new ChildSignal(parent.signal)
    assert.equal(child.signal.aborted, false)
    const reason = new Error('the sidecar ends')
    parent.abort(reason)
    assert.equal(child.signal.reason, reason)
  })

  test('of a parent that has ended has ended', () => {
    using child = new ChildSignal(AbortSignal.abort('over'))
    assert.equal(child.signal.reason, 'over')
  })

  test('ends by itself without its parent, and keeps the first reason', () => {
    const parent = new AbortController()
    using child = new ChildSignal(parent.signal)
    const reason = new Error('late')
    child.abort(reason)
    parent.abort()
    assert.equal(child.signal.reason, reason)
  })

  test('once disposed of hears its parent no more, and the parent knows nothing of it', () => {
    const parent = new AbortController()
    const child = new ChildSignal(parent.signal)
    assert.equal(getEventListeners(parent.signal, 'abort').length, 1)
    child[Symbol.dispose]()
    assert.equal(getEventListeners(parent.signal, 'abort').length, 0)
    parent.abort()
    assert.equal(child.signal.aborted, false)
  })
})
