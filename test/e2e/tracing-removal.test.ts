// The trace of a removal: a span for each phase, carried on by whichever process carries on the removal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { removalIs, removeFrom } from '../support/removals.ts'

test('the trace of a removal has its phases, their queries and its outcome, and is on record', async () => {
  await using receiver = await OtlpReceiver.start()
  await using cluster = await startCluster({ workers: 2, env: { ...quick, ...receiver.env } })
  for (const node of cluster.nodes) await joined(node)
  const { code, stderr } = await removeFrom(cluster.node('worker-1'), 'worker-2')
  assert.deepEqual([code, stderr], [0, ''])
  const root = await eventually('the removal is told', () => receiver.named('remove')[0])
  const spans = receiver.spans.filter(({ traceId }) => traceId === root.traceId)
  assert.equal(root.parentSpanId, '')
  assert.equal(root.attributes['citus.operation.outcome'], 'succeeded')
  assert.equal(root.attributes['citus.member'], 'worker-2')
  const phases = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId)
  assert.ok(phases.length >= 2, phases.map(({ name }) => name).join(', '))
  for (const { name } of phases) assert.match(name, /^remove [a-z-]+$/)
  const drop = spans.find(({ name }) => name === 'SELECT citus_sidecar.removal_drop')
  assert.ok(phases.some(({ spanId }) => spanId === drop?.parentSpanId))
  assert.deepEqual(await cluster.coordinator.postgres.query('select traceparent from citus_sidecar.removals'), [
    { traceparent: `00-${root.traceId}-${root.spanId}-01` },
  ])
})

test('the trace of a removal has one root that began when it was asked for, though the sidecar that carries it out is killed', async () => {
  await using receiver = await OtlpReceiver.start()
  await using cluster = await startCluster({ workers: 2, env: { ...quick, ...receiver.env } })
  const { coordinator } = cluster
  for (const node of cluster.nodes) await joined(node)
  await coordinator.command(['maintenance', 'on'])
  const before = Date.now()
  const removal = removeFrom(cluster.node('worker-1'), 'worker-2')
  await removalIs(cluster, 'rests', (one) => one?.reason === 'the coordinator is in maintenance')
  const noted = async (): Promise<unknown> =>
    await coordinator.postgres.query('select traceparent from citus_sidecar.removals')
  const first = await noted()
  await coordinator.sidecar.kill()
  const killedAt = Date.now()
  coordinator.sidecar.start()
  await coordinator.sidecar.answers('/livez', patience)
  await coordinator.command(['maintenance', 'off'])
  const { code, stderr } = await removal
  assert.deepEqual([code, stderr], [0, ''])
  const root = await eventually('the removal is told', () => receiver.named('remove')[0])
  assert.deepEqual([{ traceparent: `00-${root.traceId}-${root.spanId}-01` }], first)
  assert.deepEqual(await noted(), first)
  assert.equal(root.parentSpanId, '')
  assert.equal(root.attributes['citus.resumed'], true)
  const startedAt = Number(root.begun / 1_000_000n)
  assert.ok(startedAt >= before && startedAt < killedAt, `${startedAt} is not from ${before} to ${killedAt}`)
  assert.equal(receiver.named('remove').length, 1)
  assert.ok(receiver.spans.some(({ parentSpanId }) => parentSpanId === root.spanId))
})
