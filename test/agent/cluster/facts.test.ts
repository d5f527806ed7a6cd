// Which group a node wants.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { groupWish } from '../../../agent/cluster/facts.ts'
import type { GroupWish } from '../../../agent/cluster/facts.ts'
import type { Role } from '../../../agent/config.ts'

const wishes: readonly [role: Role, name: string, configured: number | undefined, wish: GroupWish][] = [
  ['worker', 'worker-0', undefined, { id: 1, from: 'ordinal' }],
  ['worker', 'citus-worker-41', undefined, { id: 42, from: 'ordinal' }],
  ['worker', 'worker-007', undefined, { id: 8, from: 'ordinal' }],
  ['worker', 'worker-999999', undefined, { id: 1_000_000, from: 'ordinal' }],
  ['worker', 'worker-1234567', undefined, { id: undefined, from: 'none' }],
  ['worker', 'worker1', undefined, { id: undefined, from: 'none' }],
  ['worker', 'worker-1-b', undefined, { id: undefined, from: 'none' }],
  ['worker', 'worker', undefined, { id: undefined, from: 'none' }],
  ['worker', 'worker-0', 7, { id: 7, from: 'configured' }],
  ['coordinator', 'coordinator-3', undefined, { id: 0, from: 'configured' }],
  ['coordinator', 'coordinator', 0, { id: 0, from: 'configured' }],
]

for (const [role, name, configured, wish] of wishes) {
  test(`${role} ${name}${configured === undefined ? '' : `, configured ${configured}`}: group ${wish.id ?? 'any'}`, () => {
    assert.deepEqual(groupWish(role, name, configured), wish)
  })
}

test('no worker ever wants group 0, which is that of the coordinator', () => {
  fc.assert(fc.property(fc.string(), (name) => groupWish('worker', name, undefined).id !== 0))
})
