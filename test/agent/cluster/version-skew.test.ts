// Which other members run another Citus.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otherVersions } from '../../../agent/cluster/version-skew.ts'
import { memberOf } from '../../support/join-facts.ts'

const members = [
  memberOf('coordinator', 0, { citusVersion: '13.3.0' }),
  memberOf('worker-1', 2, { citusVersion: '13.1.0' }),
  memberOf('worker-2', 3, { citusVersion: '13.2.2' }),
  memberOf('worker-3', 4, { citusVersion: null }),
]

test('names every other member with another version, and its version', () => {
  assert.deepEqual(otherVersions(members, 'worker-1', '13.2.2'), ['coordinator 13.3.0'])
  assert.deepEqual(otherVersions(members, 'worker-2', '13.2.2'), ['coordinator 13.3.0', 'worker-1 13.1.0'])
})

test('names nobody while the own version, or that of the other, is unknown', () => {
  assert.deepEqual(otherVersions(members, 'worker-1', undefined), [])
  assert.deepEqual(otherVersions([memberOf('worker-3', 4, { citusVersion: null })], 'worker-1', '13.2.2'), [])
})
