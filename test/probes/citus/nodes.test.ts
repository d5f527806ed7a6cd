// The coordinator's list of nodes: rows to reading.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodes } from '../../../probes/citus/nodes.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql } from '../../support/scripted-sql.ts'
import type { Line } from '../../support/scripted-sql.ts'

const coordinator = { systemIdentifier: '7000', serverId: 's', groupId: 0, inRecovery: false }
const node = { nodeId: 2, groupId: 2, host: 'worker-1', port: 5432, role: 'primary', active: true, placements: 4 }

async function read(...script: readonly Line[]) {
  return await nodes(probeLimits).read(probeContext(scriptedSql(...script)), AbortSignal.timeout(5_000))
}

test('who the coordinator is and whom it has', async () => {
  const found = await read({ when: /pg_control_system/, rows: [coordinator] }, { when: /pg_dist_node n/, rows: [node] })
  assert.deepEqual(found, { coordinator, nodes: [node] })
})

test('a coordinator that has never been part of a cluster has no server id and group 0', async () => {
  const rows = [{ ...coordinator, serverId: null, groupId: null }]
  const found = await read({ when: /pg_control_system/, rows })
  assert.deepEqual(found.coordinator, { ...coordinator, serverId: undefined })
  assert.deepEqual(found.nodes, [])
})

test('no row is an error, not an empty cluster', async () => {
  await assert.rejects(read(), /the coordinator answered without a row/)
})
