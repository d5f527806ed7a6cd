// What a drain does for which cause, and that its budgets fit the time there is.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { causes, planDrain, totalMs } from '../../../agent/drain/plan.ts'
import type { NodeKind, PlanOptions } from '../../../agent/drain/plan.ts'

const options: PlanOptions = { graceMs: 120_000, reserveMs: 15_000, holdOnNodeDrain: false, holdOff: false }
const kinds: readonly NodeKind[] = ['coordinator', 'worker', 'standalone', 'standby']

function leftOut(cause: (typeof causes)[number], kind: NodeKind, change: Partial<PlanOptions> = {}): readonly string[] {
  return planDrain(cause, kind, { ...options, ...change }).flatMap((phase) =>
    phase.leftOut === undefined ? [] : [phase.name],
  )
}

suite('the plan of a drain', () => {
  test('does everything for a node that comes back', () => {
    for (const cause of ['pod-deletion', 'container-restart'] as const)
      for (const kind of ['coordinator', 'worker'] as const) assert.deepEqual(leftOut(cause, kind), [])
  })

  test('holds nobody for a node that stays away, unless told so', () => {
    assert.deepEqual(leftOut('scale-down', 'worker'), ['hold'])
    assert.deepEqual(leftOut('node-drain', 'worker'), ['hold'])
    assert.deepEqual(leftOut('node-drain', 'worker', { holdOnNodeDrain: true }), [])
    assert.deepEqual(leftOut('scale-down', 'worker', { holdOnNodeDrain: true }), ['hold'])
    assert.deepEqual(leftOut('pod-deletion', 'worker', { holdOff: true }), ['hold'])
  })

  test('leaves out what does not apply', () => {
    assert.deepEqual(leftOut('pod-deletion', 'standby'), ['hold', 'settle', 'keep'])
    assert.deepEqual(leftOut('pod-deletion', 'standalone'), ['settle'])
    assert.deepEqual(leftOut('node-drain', 'standby', { holdOnNodeDrain: true }), ['hold', 'settle', 'keep'])
  })

  test('ends before the grace period less the reserve, with time for every phase', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5_000, max: 86_400_000 }),
        fc.integer({ min: 1_000, max: 3_600_000 }),
        fc.constantFrom(...causes),
        fc.constantFrom(...kinds),
        (graceMs, reserveMs, cause, kind) => {
          const timing = { ...options, graceMs, reserveMs }
          const plan = planDrain(cause, kind, timing)
          const ends = plan.map(({ endsAfterMs }) => endsAfterMs)
          assert.deepEqual(
            ends,
            ends.toSorted((a, b) => a - b),
          )
          assert.ok((ends.at(-1) ?? 0) <= totalMs(timing) + 1e-6)
          if (graceMs > reserveMs) for (const { budgetMs } of plan) assert.ok(budgetMs > 0)
        },
      ),
    )
  })
})
