// Which node a person means.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { targetOf } from '../../../agent/removal/target.ts'
import { memberOf } from '../../support/join-facts.ts'
import { removalMembers, removalNode } from '../../support/removal-facts.ts'

const nodes = [0, 1, 2, 3].map((group) => removalNode(group))
const members = [...removalMembers, memberOf('pooler-1', 0, { role: 'pooler' }), memberOf('worker-8', 8)]
const stranger = removalNode(5, { host: 'old', nodeId: 50 })

suite('a node', () => {
  test('is meant by its name or its address', () => {
    for (const name of ['worker-1', 'worker-1:5432']) {
      const target = targetOf(name, members, nodes)
      assert.ok('node' in target)
      assert.deepEqual([target.name, target.node.nodeId, target.member?.name], ['worker-1', 12, 'worker-1'])
    }
  })

  test('without a sidecar is meant by its address', () => {
    const target = targetOf('old:5432', members, [...nodes, stranger])
    assert.ok('node' in target)
    assert.deepEqual([target.name, target.node.nodeId, target.member], ['old:5432', 50, undefined])
  })

  test('that nobody knows is refused, naming those that there are', () => {
    const target = targetOf('worker-9', members, [...nodes, stranger])
    assert.ok('refused' in target)
    assert.equal(target.refused.code, 'unknown-node')
    assert.equal(
      target.refused.reason,
      'there is no node "worker-9"; there are coordinator, worker-0, worker-1, worker-2, worker-8, old:5432',
    )
  })

  test('that is not registered is refused, and so is a pooler', () => {
    for (const [name, says] of [
      ['worker-8', 'worker-8 is not registered'],
      ['pooler-1', 'pooler-1 is a pooler, which nobody registers'],
    ] as const) {
      const target = targetOf(name, members, nodes)
      assert.ok('refused' in target)
      assert.deepEqual([target.refused.code, target.refused.reason], ['not-registered', says])
    }
  })
})
