// A node id of Citus leads to the sidecar of the primary that has it now.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { onNewAddresses, sidecarAddresses } from '../../../agent/cluster/sidecar-addresses.ts'
import { memberOf, moment } from '../../support/join-facts.ts'

suite('the address of a sidecar', () => {
  const named = { nodeId: 2, host: 'worker-1' }
  const cases: readonly [what: string, changes: Parameters<typeof memberOf>[2], address: string | undefined][] = [
    ['is host and port', named, 'http://worker-1:9187'],
    ['has an IPv6 host in brackets', { ...named, host: 'fd00::1' }, 'http://[fd00::1]:9187'],
    ['is unknown of a node without a node id', { ...named, nodeId: null }, undefined],
    ['is unknown of a sidecar of an earlier version', { ...named, httpPort: null }, undefined],
    ['is not that of a standby', { ...named, inRecovery: true }, undefined],
  ]
  for (const [what, changes, address] of cases)
    test(what, () => assert.equal(sidecarAddresses([memberOf('worker-1', 2, changes)]).get('2'), address))

  test('is that of who was heard last, where a promoted standby has the id of the primary that died', () => {
    const dead = memberOf('worker-1', 2, { nodeId: 2, host: 'old', lastSeen: moment - 60_000 })
    const alive = memberOf('worker-1-b', 2, { nodeId: 2, host: 'new', lastSeen: moment })
    for (const members of [
      [dead, alive],
      [alive, dead],
    ])
      assert.deepEqual([...sidecarAddresses(members)], [['2', 'http://new:9187']])
  })

  test('is told when it changes and not otherwise', () => {
    const told: unknown[] = []
    const heard = onNewAddresses((addresses) => told.push([...addresses]))
    const worker = memberOf('worker-1', 2, named)
    heard([])
    heard([worker])
    heard([{ ...worker, lastSeen: moment }])
    heard([{ ...worker, httpPort: 9188 }])
    assert.deepEqual(told, [[], [['2', 'http://worker-1:9187']], [['2', 'http://worker-1:9188']]])
  })
})
