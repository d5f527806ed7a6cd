// What is kept of tasks while they wait for their parents.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { QuerySpans } from '../../../exporters/statements/query-spans.ts'
import { sleep } from '../../../probes/sleep.ts'
import { taskOf } from '../../support/linked-statements.ts'
import { noon, shape } from '../../support/statements.ts'

suite('tasks that wait', () => {
  test('keep no more plans than there is room for, and all are told', () => {
    const spans = new QuerySpans(
      {
        perMinute: 10_000,
        ownPerMinute: 10_000,
        slowMs: 1,
        patience: 30_000,
        address: { host: 'worker-1', port: 5432 },
      },
      {
        clock: { now: () => noon, sleep },
        random: Math.random,
        request: async () => await Promise.reject(new Error('nobody asks')),
        addresses: () => new Map(),
        nodeId: () => '2',
        running: () => [],
        shapeOf: () => shape,
      },
    )
    const plan = JSON.stringify({
      Plan: { 'Node Type': 'Seq Scan', Output: Array.from({ length: 1_500 }, () => 'id') },
    })
    for (const turn of [1, 2]) {
      for (let count = 0; count < 1_000; count += 1) spans.add(taskOf({ plan }), shape)
      spans.end()
      const told = spans.take(10_000)
      const withPlan = told.filter(({ events }) => events.length > 0).length
      assert.equal(told.length, 1_000)
      assert.ok(withPlan > 100 && withPlan * plan.length <= 4_194_304, `${withPlan} plans in turn ${turn}`)
    }
  })
})
