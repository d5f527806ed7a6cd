// The drain's state machine: total, always ends, and what a person or a returning server says is final.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { drainEvents, isPhase, keepsAway, phaseNames, step, transitions } from '../../../agent/drain/machine.ts'
import type { DrainEvent, DrainState } from '../../../agent/drain/machine.ts'

const states = Object.keys(transitions) as DrainState[]
const anyEvents = fc.array(fc.constantFrom(...drainEvents), { maxLength: 40 })
const after = (events: readonly DrainEvent[], from: DrainState = 'cause'): DrainState => events.reduce(step, from)

suite('the state machine of a drain', () => {
  test('knows an answer to every event in every state', () => {
    assert.deepEqual(states.toSorted(), [...phaseNames, 'done', 'down', 'back'].toSorted())
    for (const state of states)
      for (const event of drainEvents) assert.ok(states.includes(step(state, event)), `${event} in ${state}`)
  })

  test('goes through the phases in their order to done', () => {
    const path = phaseNames.map((_, passed) => after(Array.from({ length: passed + 1 }, () => 'passed' as const)))
    assert.deepEqual(path, [...phaseNames.slice(1), 'done'])
  })

  test('comes back from wherever it is once a person cancels or the server returns', () => {
    fc.assert(
      fc.property(anyEvents, fc.constantFrom('cancelled' as const, 'returned' as const), (events, last) => {
        assert.equal(step(after(events), last), 'back')
      }),
    )
  })

  test('begins another drain only when the last one is over', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const state = after(events)
        assert.equal(step(state, 'asked'), state === 'back' ? 'cause' : state)
      }),
    )
  })

  test('never goes back to an earlier phase', () => {
    const rank = (state: DrainState): number => [...phaseNames, 'done', 'down', 'back'].indexOf(state)
    fc.assert(
      fc.property(anyEvents, fc.constantFrom(...drainEvents.filter((event) => event !== 'asked')), (events, event) => {
        const state = after(events)
        assert.ok(rank(step(state, event)) >= rank(state))
      }),
    )
  })

  test('is never stuck: without a single further event than passed or late it reaches a state that waits for the server', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...phaseNames),
        fc.array(fc.constantFrom('passed' as const, 'late' as const), { minLength: phaseNames.length, maxLength: 20 }),
        (from, events) => {
          assert.equal(isPhase(after(events, from)), false)
        },
      ),
    )
  })

  test('keeps new clients away from unready until the node is back', () => {
    assert.deepEqual(states.filter(keepsAway), ['unready', 'drain', 'settle', 'flush', 'keep', 'done', 'down'])
  })
})
