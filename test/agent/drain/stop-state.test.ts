// What is said when the cluster is not what it was before a node stopped.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { differences, keptState } from '../../../agent/drain/stop-state.ts'
import type { StopState } from '../../../agent/drain/stop-state.ts'

const before: StopState = {
  takenAt: 1,
  systemIdentifier: '7',
  timeline: 1,
  lsn: '0/5',
  nodes: ['0 c:5432 primary active', '1 w:5432 primary active'],
  placements: { '1': 32 },
  prepared: ['citus_0_1_2_3'],
  settings: { wal_level: 'logical', archive_command: 'cp %p /a' },
}

suite('the state before a stop and after', () => {
  test('has no difference when nothing changed but time and position', () => {
    assert.deepEqual(differences(before, { ...before, takenAt: 9, lsn: '0/9' }), [])
  })

  const changes: readonly [change: Partial<StopState>, said: string][] = [
    [{ systemIdentifier: '8' }, 'system identifier was 7 and is 8'],
    [{ timeline: 2 }, 'timeline was 1 and is 2'],
    [{ nodes: [...before.nodes, '2 x:5432 primary active'] }, 'node is new or changed: 2 x:5432 primary active'],
    [{ nodes: before.nodes.slice(0, 1) }, 'node is gone or changed: 1 w:5432 primary active'],
    [{ placements: {} }, 'group 1 had 32 shard placements and has 0'],
    [{ prepared: [] }, 'prepared transaction is gone: citus_0_1_2_3'],
    [{ settings: { ...before.settings, wal_level: 'replica' } }, 'wal_level was "logical" and is "replica"'],
    [{ settings: { ...before.settings, archive_command: 'secret' } }, 'archive_command changed'],
  ]
  for (const [change, said] of changes)
    test(`says: ${said}`, () => assert.deepEqual(differences(before, { ...before, ...change }), [said]))

  test('does not compare a command with the fingerprint of one', () => {
    assert.deepEqual(
      differences(before, { ...before, settings: { ...before.settings, archive_command: 'sha256:0' } }),
      [],
    )
  })

  test('takes nothing for a state that is none', () => {
    for (const garbage of [undefined, null, 1, 'x', [], {}, { ...before, nodes: 'x' }])
      assert.equal(keptState(garbage), undefined)
    assert.deepEqual(keptState(structuredClone(before)), before)
  })
})
