// Links of simulated sessions, of which the true parents are known: what is called exact is never wrong, by time hardly ever.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Link } from '../../../exporters/statements/link.ts'
import { anyWork, clocks, simulate, steps } from '../../support/simulated-sessions.ts'
import type { Logging, Outcome } from '../../support/simulated-sessions.ts'

const runs = { numRuns: 200 }

const isLink = (outcome: Outcome): outcome is Outcome & { answer: Link } => 'method' in outcome.answer

/** Whether the parent is the statement that sent the task, or the command that was it. */
function isRight({ answer, statement, command }: Outcome & { answer: Link }): boolean {
  return [`${statement}`, `${statement}.${command}`].includes(answer.spanId)
}

/** How many outcomes of each kind there were over all runs. */
function counting() {
  const counts = new Map<string, number>()
  return {
    count: (outcomes: readonly Outcome[]): void => {
      for (const outcome of outcomes) {
        const { answer } = outcome
        const key = 'method' in answer ? answer.method : 'unknown' in answer ? answer.unknown : 'pending'
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    },
    share: (...keys: readonly string[]): number =>
      keys.reduce((sum, key) => sum + (counts.get(key) ?? 0), 0) / [...counts.values()].reduce((sum, n) => sum + n, 0),
    text: () => JSON.stringify(Object.fromEntries(counts)),
  }
}

suite('a link of a simulated session', () => {
  const exact: readonly [what: string, logging: Logging, least: number][] = [
    ['with commands', { commands: true, traces: 0, tellsLost: true }, 0.3],
    ['with contexts', { commands: false, traces: 3, tellsLost: false }, 0.5],
    ['with both', { commands: true, traces: 3, tellsLost: true }, 0.7],
  ]
  for (const [what, logging, least] of exact)
    test(`${what} is never wrong`, (t) => {
      const counts = counting()
      fc.assert(
        fc.property(steps(anyWork), clocks, (script, clock) => {
          const outcomes = simulate(script, clock, logging)
          counts.count(outcomes)
          for (const outcome of outcomes.filter(isLink)) {
            const { answer, ask } = outcome
            if (answer.method === 'command') assert.equal(answer.spanId, `${outcome.statement}.${outcome.command}`)
            if (answer.method === 'context') {
              assert.equal(answer.traceId, ask.context?.traceId)
              if (answer.spanId !== ask.context?.spanId) assert.ok(isRight(outcome))
            }
          }
        }),
        runs,
      )
      t.diagnostic(counts.text())
      assert.ok(counts.share('command', 'context') > least, counts.text())
    })

  test('by time is there for every task of 100 ms and more, and right in 99 of 100', (t) => {
    const counts = counting()
    let [links, wrong] = [0, 0]
    const long = fc.double({ min: 100, max: 400, noNaN: true })
    fc.assert(
      fc.property(steps(long), clocks, (script, clock) => {
        const whole = script.map((step) => ({ ...step, failed: false, lost: false }))
        const outcomes = simulate(whole, clock, { commands: false, traces: 0, tellsLost: false })
        counts.count(outcomes)
        links += outcomes.length
        wrong += outcomes.filter((outcome) => !isLink(outcome) || !isRight(outcome)).length
      }),
      runs,
    )
    t.diagnostic(`${links} links, ${wrong} wrong`)
    assert.ok(wrong <= links / 100, `${wrong} of ${links}: ${counts.text()}`)
  })

  test('by time is right or is not told, however short the tasks are and whatever was not logged', (t) => {
    const counts = counting()
    fc.assert(
      fc.property(steps(anyWork), clocks, (script, clock) => {
        const kept = script.map((step) => ({ ...step, failed: false }))
        const outcomes = simulate(kept, clock, { commands: false, traces: 0, tellsLost: false })
        counts.count(outcomes)
        for (const outcome of outcomes.filter(isLink)) assert.ok(isRight(outcome))
      }),
      runs,
    )
    t.diagnostic(counts.text())
    assert.ok(counts.share('time') > 0.2, counts.text())
  })
})
