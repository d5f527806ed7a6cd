// Reachability of the other nodes: one after the other, each with its own answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peers } from '../../../probes/citus/peers.ts'
import type { ProbeContext } from '../../../probes/probe.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql } from '../../support/scripted-sql.ts'

const list = [
  { host: 'coordinator', port: 5432, groupId: 0 },
  { host: 'worker-2', port: 5433, groupId: 3 },
  { host: 'worker-3', port: 5434, groupId: 4 },
]

function contextOf(answers: Readonly<Record<string, readonly object[]>>): {
  context: ProbeContext
  tried: string[]
} {
  const tried: string[] = []
  const sql = scriptedSql({ when: /pg_dist_node/, rows: list })
  const query: ProbeContext['sql']['query'] = async (text, values = []) => {
    if (!text.includes('citus_check_connection_to_node')) return await sql.query(text, values)
    tried.push(`${String(values[0])}:${String(values[1])}`)
    return (answers[String(values[0])] ?? []) as never
  }
  return { context: probeContext({ query }), tried }
}

test('tries every node as Citus connects and tells which answered', async () => {
  const { context, tried } = contextOf({
    coordinator: [{ reachable: true }],
    'worker-2': [{ reachable: false }],
    'worker-3': [{ reachable: null }],
  })
  const found = await peers(probeLimits).read(context, AbortSignal.timeout(5_000))
  assert.deepEqual(tried, ['coordinator:5432', 'worker-2:5433', 'worker-3:5434'])
  assert.deepEqual(
    found.map(({ host, reachable }) => [host, reachable]),
    [
      ['coordinator', true],
      ['worker-2', false],
      ['worker-3', false],
    ],
  )
  for (const { durationMs } of found) assert.ok(durationMs > 0)
})

test('ends between two nodes when its deadline is over', async () => {
  const { context, tried } = contextOf({})
  const over = new AbortController()
  over.abort(new Error('over'))
  await assert.rejects(peers(probeLimits).read(context, over.signal), /over/)
  assert.deepEqual(tried, [])
})
