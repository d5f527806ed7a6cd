// When a node's prepared transactions count as settled.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { judgeSettling } from '../../../agent/removal/settled.ts'

const removal = { nodeId: 7, node: { shouldHaveShards: false }, leftovers: 0, phaseMs: 0 }
const stuck = { where: 'w:1', gid: 'citus_3_1_1_0', age: 60 }
const silent = (nodeId: number) => ({ nodeId, where: `n${nodeId}:1`, reason: 'refused' })

suite('a node is', () => {
  test('settled where nothing waits, and where what waits is being committed right now', () => {
    assert.deepEqual(judgeSettling({ left: [], silent: [] }, removal), { settled: true, late: false, why: '' })
    assert.equal(judgeSettling({ left: [{ ...stuck, age: 0.2 }], silent: [] }, removal).settled, true)
  })

  test('not settled while something is stuck, which is named', () => {
    const found = judgeSettling({ left: [stuck], silent: [] }, removal)
    assert.deepEqual([found.settled, found.late], [false, false])
    assert.match(found.why, /citus_3_1_1_0 on w:1/)
  })

  test('not settled while another node does not say; what itself would say does not matter', () => {
    const found = judgeSettling({ left: [], silent: [silent(8)] }, removal)
    assert.deepEqual([found.settled, found.why], [false, 'n8:1 does not say (refused)'])
    assert.equal(judgeSettling({ left: [], silent: [silent(7)] }, removal).settled, true)
  })

  test('not settled while Citus still has to drop what was moved, for two minutes, and only where it answers', () => {
    const drops = { ...removal, leftovers: 2 }
    assert.equal(
      judgeSettling({ left: [], silent: [] }, drops).why,
      '2 shards moved away and still to be dropped on it',
    )
    assert.equal(judgeSettling({ left: [], silent: [] }, { ...drops, phaseMs: 120_000 }).settled, true)
    assert.equal(judgeSettling({ left: [], silent: [silent(7)] }, drops).settled, true)
    assert.equal(judgeSettling({ left: [], silent: [] }, { ...drops, node: null }).settled, true)
  })

  test('waited for ten minutes before its removal and one minute after it', () => {
    const late = (node: typeof removal.node | null, phaseMs: number): boolean =>
      judgeSettling({ left: [stuck], silent: [] }, { ...removal, node, phaseMs }).late
    assert.deepEqual([late(removal.node, 599_000), late(removal.node, 600_000)], [false, true])
    assert.deepEqual([late(null, 59_000), late(null, 60_000)], [false, true])
  })
})
