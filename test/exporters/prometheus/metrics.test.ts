// From a snapshot to samples: what is known becomes a number, and what is not becomes nothing.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import type { Snapshot } from '../../../exporters/exporter.ts'
import { metrics } from '../../../exporters/prometheus/metrics.ts'
import { PrometheusExporter } from '../../../exporters/prometheus/registry.ts'
import { noMemory, readiness } from '../../../probes/verdicts/readiness.ts'
import { broken, good, healthy, now, verified } from '../../support/node-state.ts'
import { coordinatorRow, otherRow, ownRow } from '../../support/join-facts.ts'

const fine = { ok: true, checks: [] }
const view = {
  coordinator: { systemIdentifier: '7000', serverId: 'server-0', groupId: 0, inRecovery: false },
  nodes: [coordinatorRow, { ...ownRow, metadataSynced: false }, otherRow],
}

/** A healthy worker, but for what is changed. */
function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  const { readings } = healthy()
  return {
    now,
    node: { name: 'worker-1', role: 'worker', host: 'worker-1', port: 5432, version: '0.1.0' },
    readings: { ...readings, 'citus.nodes': good('citus.nodes', view, 4_000) },
    probes: ['postgres.alive', 'citus.nodes', 'postgres.replication'],
    live: fine,
    ready: readiness(healthy(), noMemory).verdict,
    started: fine,
    join: verified,
    maintenance: { on: false, changedAt: 0, reason: '' },
    listening: true,
    ...changes,
  }
}

/** Samples by labels, as `label=value,…`; without labels the key is empty. */
function samplesOf(name: string, given: Snapshot): Readonly<Record<string, number>> {
  const metric = metrics.find((one) => one.name === name)
  assert.ok(metric !== undefined, name)
  return Object.fromEntries(
    metric.samples(given).map(({ labels = {}, value }) => [
      Object.entries(labels)
        .map(([label, text]) => `${label}=${text}`)
        .join(','),
      value,
    ]),
  )
}

const blank = snapshot({ readings: {}, ready: { ok: false, checks: [] }, started: { ok: false, checks: [] } })
const silent = { 'postgres.alive': broken('postgres.alive', {}, healthy().readings['postgres.alive']) }
const off = { ...verified, finding: 'off', verifiedAt: undefined } as const

type Case = readonly [what: string, name: string, given: Snapshot, samples: Readonly<Record<string, number>>]

const cases: readonly Case[] = [
  ['PostgreSQL answers', 'pg_up', snapshot(), { '': 1 }],
  ['PostgreSQL does not answer', 'pg_up', snapshot({ readings: silent }), { '': 0 }],
  ['PostgreSQL was not asked yet', 'pg_up', blank, {}],
  [
    'it last said when it started',
    'pg_postmaster_start_time_seconds',
    snapshot({ readings: silent }),
    { '': now / 1_000 - 3_600 },
  ],
  ['it never said when it started', 'pg_postmaster_start_time_seconds', blank, {}],
  ['a primary', 'pg_replication_is_replica', snapshot(), { '': 0 }],
  ['nobody knows whether it is a primary', 'pg_replication_is_replica', snapshot({ readings: silent }), {}],
  ['the coordinator has this node', 'citus_node_registered', snapshot(), { '': 1 }],
  [
    'the coordinator does not have this node',
    'citus_node_registered',
    snapshot({ node: { ...snapshot().node, port: 6_000 } }),
    { '': 0 },
  ],
  ['the coordinator was never asked', 'citus_node_registered', blank, {}],
  ['its row is active', 'citus_node_active', snapshot(), { 'group=2': 1 }],
  ['it has no row', 'citus_node_active', snapshot({ node: { ...snapshot().node, port: 6_000 } }), {}],
  ['its metadata is not in sync', 'citus_node_metadata_synced', snapshot(), { 'group=2': 0 }],
  ['others are reached', 'citus_peer_reachable', snapshot(), { 'peer=worker-2:5432': 1, 'peer=worker-3:5432': 1 }],
  ['others were never tried', 'citus_peer_reachable', blank, {}],
  ['who this is', 'citus_sidecar_info', snapshot(), { 'version=0.1.0,role=worker,node=worker-1': 1 }],
  ['it is not ready', 'citus_sidecar_ready', blank, { '': 0 }],
  ['it is refused', 'citus_sidecar_join_refused', snapshot({ join: { ...verified, finding: 'refused' } }), { '': 1 }],
  ['it belongs to nobody', 'citus_sidecar_join_refused', snapshot({ join: off }), {}],
  ['it was verified', 'citus_sidecar_last_verified_timestamp_seconds', snapshot(), { '': now / 1_000 - 1 }],
  ['it was never verified', 'citus_sidecar_last_verified_timestamp_seconds', snapshot({ join: off }), {}],
  ['it listens', 'citus_sidecar_listening', snapshot(), { '': 1 }],
  ['it listens to nobody', 'citus_sidecar_listening', snapshot({ join: off, listening: false }), {}],
  ['probes ran', 'citus_sidecar_probe_success', snapshot(), { 'probe=postgres.alive': 1, 'probe=citus.nodes': 1 }],
  ['a probe failed', 'citus_sidecar_probe_success', snapshot({ readings: silent }), { 'probe=postgres.alive': 0 }],
  [
    'how old readings are',
    'citus_sidecar_probe_age_seconds',
    snapshot(),
    { 'probe=postgres.alive': 0.1, 'probe=citus.nodes': 4 },
  ],
]

suite('a sample', () => {
  for (const [what, name, given, samples] of cases)
    test(`${what}: ${name} ${Object.values(samples).join(', ') || 'has none'}`, () => {
      assert.deepEqual(samplesOf(name, given), samples)
    })

  test('of each check says whether it fails', () => {
    const checks = [
      { name: 'postgres', status: 'failed', reason: 'x', action: 'y' },
      { name: 'peers', status: 'warning', reason: 'x', action: 'y' },
    ] as const
    const samples = samplesOf('citus_sidecar_check_failed', snapshot({ ready: { ok: false, checks } }))
    assert.deepEqual(samples, { 'check=postgres': 1, 'check=peers': 0 })
  })

  test('has just the labels that its metric names', () => {
    for (const metric of metrics)
      for (const { labels = {} } of metric.samples(snapshot()))
        assert.deepEqual(Object.keys(labels), metric.labels, metric.name)
  })
})

test('names are of Prometheus: base units, snake case, a sentence of help', () => {
  for (const { name, help } of metrics) {
    assert.match(name, /^(pg|citus|citus_sidecar)_[a-z]+(_[a-z]+)*$/)
    assert.doesNotMatch(name, /_(ms|milliseconds|minutes|kb|mb|percent)$/)
    assert.match(help, /^[A-Z].*\.$/)
  }
})

suite('a scrape', () => {
  test('has no line for what is unknown, also when it was known before', async () => {
    using exporter = new PrometheusExporter()
    const before = await exporter.render(snapshot())
    assert.match(before, /^citus_node_active\{group="2"\} 1$/m)
    assert.match(before, /^pg_up 1$/m)
    const after = await exporter.render(blank)
    assert.doesNotMatch(after, /^citus_node_active\{/m)
    assert.doesNotMatch(after, /^pg_up /m)
  })

  test('has but our metrics and those of the process', async () => {
    using exporter = new PrometheusExporter()
    const text = await exporter.render(snapshot())
    const named = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => ({ name, type }))
    const own = named.filter(({ name }) => !/^(process|nodejs)_/.test(name))
    assert.deepEqual(
      own.map(({ name }) => name),
      metrics.map(({ name }) => name),
    )
    assert.deepEqual(
      own.map(({ type }) => type),
      metrics.map(({ type = 'gauge' }) => type),
    )
    assert.ok(named.length > own.length)
  })

  test('has no numbers made of no sample of the event loop', async () => {
    using exporter = new PrometheusExporter()
    // Nothing has been sampled yet, nor between two scrapes at once.
    for (const text of [await exporter.render(snapshot()), await exporter.render(snapshot())]) {
      assert.doesNotMatch(text, /nan$/im)
      assert.doesNotMatch(text, /^nodejs_eventloop_lag_min_seconds /m)
    }
    const sampled = async (): Promise<boolean> =>
      /^nodejs_eventloop_lag_mean_seconds [\d.e-]+$/m.test(await exporter.render(snapshot()))
    await eventually('the delay has been sampled', sampled, { interval: 200 })
  })

  test('survives any text in a label', async () => {
    using exporter = new PrometheusExporter()
    const node = { ...snapshot().node, name: 'a"b\\c\nd' }
    assert.match(await exporter.render(snapshot({ node })), /node="a\\"b\\\\c\\nd"/)
  })
})
