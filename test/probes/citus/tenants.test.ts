// Windows -> counters: nothing counts twice, nothing that was seen is lost, and no counter ever falls.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { TenantCounters } from '../../../probes/citus/tenants.ts'
import type { TenantWindow } from '../../../probes/citus/tenants.ts'

const seen = (queries: number, queriesBefore: number): TenantWindow => ({
  tenant: 'a',
  colocation: '1',
  queries,
  queriesBefore,
  cpu: queries / 10,
  cpuBefore: queriesBefore / 10,
})

suite('counters of a tenant', () => {
  test('begin with the window that goes on, and follow it', () => {
    const counters = new TenantCounters()
    assert.deepEqual(counters.add(seen(3, 100), 7), { queries: 3, cpu: 0.3 })
    assert.equal(counters.add(seen(5, 100), 7).queries, 5)
  })

  test('count a window that ended by its final number', () => {
    const counters = new TenantCounters()
    counters.add(seen(5, 0), 7)
    assert.equal(counters.add(seen(1, 9), 8).queries, 10)
  })

  test('keep what was seen of a window whose final number nobody read', () => {
    const counters = new TenantCounters()
    counters.add(seen(5, 0), 7)
    assert.equal(counters.add(seen(1, 4), 10).queries, 5 + 4 + 1)
  })

  test('are of one tenant and one group of colocation', () => {
    const counters = new TenantCounters()
    counters.add(seen(5, 0), 7)
    assert.equal(counters.add({ ...seen(2, 0), tenant: 'b' }, 7).queries, 2)
    assert.equal(counters.add({ ...seen(2, 0), colocation: '2' }, 7).queries, 2)
  })

  test('never fall, and equal all queries where every window is looked at', () => {
    const windows = fc.array(fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(windows, (all) => {
        const counters = new TenantCounters()
        let [before, last, sum] = [0, 0, 0]
        for (const [window, steps] of all.entries()) {
          let current = 0
          for (const step of steps) {
            current += step
            sum += step
            const { queries } = counters.add(seen(current, before), window)
            assert.ok(queries >= last)
            assert.equal(queries, sum)
            last = queries
          }
          before = current
        }
      }),
    )
  })
})
