// What a node tells the ledger: its state always, its identity only while that is trusted.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { announcementOf } from '../../../agent/cluster/heartbeat.ts'
import type { NodeReport } from '../../../agent/cluster/heartbeat.ts'
import { newcomerFacts, workerFacts } from '../../support/join-facts.ts'

const { self } = workerFacts()
const report: NodeReport = {
  ready: true,
  reason: '',
  maintenance: { on: false, changedAt: 0, reason: '' },
  lagBytes: undefined,
  citusVersion: '13.2.2',
  sidecarVersion: '0.1.0',
  nodeId: 2,
  httpPort: 9187,
  heartbeatInterval: 30_000,
}

suite('an announcement', () => {
  test('of a trusted node has name, address, wish, state and identity', () => {
    assert.deepEqual(announcementOf(self, 'trusted', report, false), {
      name: 'worker-1',
      role: 'worker',
      host: 'worker-1',
      port: 5432,
      group_wanted: 2,
      state: 'ready',
      ready: true,
      reason: '',
      sidecar_version: '0.1.0',
      maintenance: null,
      lag_bytes: null,
      heartbeat_seconds: 30,
      http_port: 9187,
      first: false,
      identity: {
        system_identifier: '7002',
        server_id: 'server-2',
        timeline: 3,
        lsn: '0/6000000',
        in_recovery: false,
        postgres_version: '15.20',
        citus_version: '13.2.2',
        group_id: 2,
        node_id: 2,
      },
    })
  })

  for (const standing of ['refused', 'silent'] as const)
    test(`of a node that is ${standing} has no identity, so that the ledger keeps the one it knows`, () => {
      assert.equal('identity' in announcementOf(self, standing, report, false), false)
    })

  test('says nothing of what nobody knows', () => {
    const unknown = { ...report, citusVersion: undefined, nodeId: undefined }
    const { identity } = announcementOf(newcomerFacts().self, 'trusted', unknown, false)
    assert.deepEqual(
      [identity?.server_id, identity?.citus_version, identity?.node_id, identity?.group_id],
      [null, null, null, 0],
    )
  })

  test('has whole bytes and a reason of bounded length', () => {
    const long = announcementOf(self, 'trusted', { ...report, lagBytes: 1.5, reason: 'x'.repeat(9_000) }, false)
    assert.equal(long.lag_bytes, 2)
    assert.equal(long.reason.length, 500)
  })

  const states: readonly [
    what: string,
    standing: 'trusted' | 'refused' | 'silent',
    changes: Partial<NodeReport>,
    state: string,
  ][] = [
    ['ready', 'trusted', {}, 'ready'],
    ['not ready', 'trusted', { ready: false }, 'unready'],
    ['silent', 'silent', { ready: false }, 'unready'],
    ['refused', 'refused', { ready: false }, 'refused'],
    ['in maintenance', 'trusted', { maintenance: { on: true, changedAt: 5, reason: '' } }, 'maintenance'],
    ['in maintenance and refused', 'refused', { maintenance: { on: true, changedAt: 5, reason: '' } }, 'maintenance'],
  ]
  for (const [what, standing, changes, state] of states)
    test(`of a node that is ${what} has state ${state}`, () => {
      assert.equal(announcementOf(self, standing, { ...report, ...changes }, false).state, state)
    })

  test('carries the maintenance switch once it was ever used, also when it is off again', () => {
    const off = { on: false, changedAt: 9, reason: 'done' }
    assert.deepEqual(announcementOf(self, 'trusted', { ...report, maintenance: off }, false).maintenance, off)
  })

  test('says how often it is made, and that it is the first of its process', () => {
    const said = announcementOf(self, 'trusted', { ...report, heartbeatInterval: 1_500 }, true)
    assert.deepEqual([said.heartbeat_seconds, said.first], [1.5, true])
  })
})
