// What a node believes of the cluster: row to reading, with nothing invented where the server had nothing to say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { local } from '../../../probes/citus/local.ts'
import type { LocalMetadata } from '../../../probes/citus/local.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql } from '../../support/scripted-sql.ts'

const row = {
  startedAt: 5,
  groupId: 2,
  serverId: 'a',
  placements: 4,
  nodes: 3,
  primaryHost: 'worker-1',
  primaryPort: 5432,
  daemonRunning: true,
}

async function read(rows: readonly object[]): Promise<LocalMetadata> {
  const sql = scriptedSql({ when: /pg_dist_local_group/, rows })
  return await local(probeLimits).read(probeContext(sql), AbortSignal.timeout(5_000))
}

test('a registered node', async () => {
  assert.deepEqual(await read([row]), {
    startedAt: 5,
    groupId: 2,
    serverId: 'a',
    placements: 4,
    nodes: 3,
    groupPrimary: { host: 'worker-1', port: 5432 },
    daemonRunning: true,
  })
})

test('a node that was never registered is of group 0 and knows no primary', async () => {
  const found = await read([{ ...row, groupId: null, serverId: null, primaryHost: null, primaryPort: null }])
  assert.equal(found.groupId, 0)
  assert.equal(found.serverId, undefined)
  assert.equal(found.groupPrimary, undefined)
})

test('no row is an error, not an empty node', async () => {
  await assert.rejects(read([]), /answered without a row/)
})
