// From a snapshot to samples: what is known becomes a number, and what is not becomes nothing.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import type { Snapshot } from '../../../exporters/exporter.ts'
import type { DrainFigures } from '../../../exporters/leaving.ts'
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
    probes: [
      { name: 'postgres.alive' },
      { name: 'citus.nodes' },
      { name: 'postgres.replication', collector: 'replication' },
    ],
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

const leaving: DrainFigures = {
  since: now - 90_000,
  graceMs: 120_000,
  graceTooShort: false,
  drains: [{ labels: { cause: 'pod-deletion', outcome: 'undone' }, count: 2 }],
  phases: [{ labels: { cause: 'pod-deletion', phase: 'flush', outcome: 'failed' }, count: 3 }],
  last: { complete: false, endedAt: now, ms: 1_500, phaseMs: { flush: 250 } },
  lastWaitMs: 2_500,
  uncleanStops: 1,
  lastStop: { clean: false, unarchived: 4 },
}
const leaves = snapshot({ leaving })
const neverLeft = snapshot({
  leaving: {
    ...leaving,
    since: undefined,
    drains: [],
    phases: [],
    last: undefined,
    lastWaitMs: undefined,
    lastStop: undefined,
  },
})
const ended = { released: 5, expired: 1, failed: 2 }
const holds = snapshot({ holds: { pool: { since: now - 3_000, maxMs: 60_000, ended } } })

const removal = {
  active: true,
  leftBytes: 300,
  totalBytes: 1_000,
  ended: { succeeded: 2, failed: 1, refused: 0, cancelled: 0 },
}
const lost = [
  { member: 'worker-1', shards: 0 },
  { member: 'worker-2', shards: 7 },
]
const coordinates = snapshot({ removal, lost })

const cases: readonly Case[] = [
  ['a node is removed', 'citus_sidecar_removal_active', coordinates, { '': 1 }],
  ['it removes nobody, ever', 'citus_sidecar_removal_active', snapshot(), {}],
  ['what is left', 'citus_sidecar_removal_left_bytes', coordinates, { '': 300 }],
  [
    'nobody says what is left',
    'citus_sidecar_removal_left_bytes',
    snapshot({ removal: { ...removal, leftBytes: undefined } }),
    {},
  ],
  ['what there was', 'citus_sidecar_removal_total_bytes', coordinates, { '': 1_000 }],
  [
    'how removals ended',
    'citus_sidecar_removals_total',
    coordinates,
    { 'outcome=succeeded': 2, 'outcome=failed': 1, 'outcome=refused': 0, 'outcome=cancelled': 0 },
  ],
  ['who is gone', 'citus_sidecar_member_lost_with_shards', coordinates, { 'member=worker-1': 0, 'member=worker-2': 7 }],
  ['who is gone is for the coordinator to say', 'citus_sidecar_member_lost_with_shards', snapshot(), {}],
  ['clients are held', 'citus_sidecar_holds_active', holds, { 'kind=pool': 1 }],
  ['it never holds', 'citus_sidecar_holds_active', snapshot(), {}],
  ['since when they are', 'citus_sidecar_hold_seconds', holds, { 'kind=pool': 3 }],
  [
    'they are not',
    'citus_sidecar_hold_seconds',
    snapshot({ holds: { pool: { since: undefined, maxMs: 60_000, ended } } }),
    { 'kind=pool': 0 },
  ],
  ['how long they may be', 'citus_sidecar_hold_max_seconds', holds, { 'kind=pool': 60 }],
  [
    'how holds ended',
    'citus_sidecar_holds_total',
    holds,
    { 'kind=pool,outcome=released': 5, 'kind=pool,outcome=expired': 1, 'kind=pool,outcome=failed': 2 },
  ],
  ['it is drained', 'citus_sidecar_drain_active', leaves, { '': 1 }],
  ['for how long', 'citus_sidecar_drain_seconds', leaves, { '': 90 }],
  ['it is not', 'citus_sidecar_drain_seconds', neverLeft, { '': 0 }],
  ['it cannot be drained', 'citus_sidecar_drain_active', snapshot(), {}],
  ['how drains ended', 'citus_sidecar_drains_total', leaves, { 'cause=pod-deletion,outcome=undone': 2 }],
  ['none did', 'citus_sidecar_drains_total', neverLeft, {}],
  [
    'how phases ended',
    'citus_sidecar_drain_phases_total',
    leaves,
    { 'cause=pod-deletion,phase=flush,outcome=failed': 3 },
  ],
  ['something was left undone', 'citus_sidecar_last_drain_complete', leaves, { '': 0 }],
  ['no drain is on record', 'citus_sidecar_last_drain_complete', neverLeft, {}],
  ['when that was', 'citus_sidecar_last_drain_timestamp_seconds', leaves, { '': now / 1_000 }],
  ['how long it took', 'citus_sidecar_last_drain_seconds', leaves, { '': 1.5 }],
  ['and a phase of it', 'citus_sidecar_last_drain_phase_seconds', leaves, { 'phase=flush': 0.25 }],
  ['how long clients waited', 'citus_sidecar_last_drain_client_wait_seconds', leaves, { '': 2.5 }],
  ['they never did', 'citus_sidecar_last_drain_client_wait_seconds', neverLeft, {}],
  ['the time it is given', 'citus_sidecar_grace_period_seconds', leaves, { '': 120 }],
  ['which is enough', 'citus_sidecar_grace_period_too_short', leaves, { '': 0 }],
  ['PostgreSQL was killed', 'citus_sidecar_last_stop_clean', leaves, { '': 0 }],
  ['nobody saw it stop', 'citus_sidecar_last_stop_clean', neverLeft, {}],
  ['how often it was', 'citus_sidecar_unclean_stops_total', leaves, { '': 1 }],
  ['with WAL that nobody has', 'citus_sidecar_wal_unarchived_segments', leaves, { '': 4 }],
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
  ['there are no own queries', 'citus_sidecar_queries_wrong', snapshot(), {}],
  [
    'PostgreSQL has started anew, and crashes may not be seen',
    'citus_sidecar_postgres_restarts_total',
    snapshot({ restarts: { postmaster: 2, crash: undefined } }),
    { 'kind=postmaster': 2 },
  ],
  ['own queries are well', 'citus_sidecar_queries_wrong', snapshot({ queriesWrong: 0 }), { '': 0 }],
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
      for (const { labels = {} } of metric.samples({ ...leaves, ...holds, leaving }))
        assert.deepEqual(Object.keys(labels), metric.labels, metric.name)
  })
})

test('names are of Prometheus: base units, snake case, a sentence of help', () => {
  for (const { name, help } of metrics) {
    assert.match(name, /^(pg|pgbouncer|citus|citus_sidecar)_[a-z]+(_[a-z]+)*$/)
    assert.doesNotMatch(name, /_(ms|milliseconds|minutes|kb|mb|percent)$/)
    assert.match(help, /^[A-Z].*\.$/)
  }
})

suite('a scrape', () => {
  test('has no line for what is unknown, also when it was known before', async () => {
    using exporter = new PrometheusExporter()
    const before = await exporter.render(snapshot, 'text')
    assert.match(before, /^citus_node_active\{group="2"\} 1$/m)
    assert.match(before, /^pg_up 1$/m)
    const after = await exporter.render(() => blank, 'text')
    assert.doesNotMatch(after, /^citus_node_active\{/m)
    assert.doesNotMatch(after, /^pg_up /m)
  })

  test('has but our metrics and those of the process', async () => {
    using exporter = new PrometheusExporter()
    const text = await exporter.render(snapshot, 'text')
    const named = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => ({ name, type }))
    const own = named.filter(({ name }) => !/^(process|nodejs)_/.test(name))
    const scrapes = { before: 0, lastSeconds: undefined }
    const told = metrics.filter((metric) => metric.samples(snapshot({ scrapes })).length > 0)
    assert.deepEqual(
      own,
      told.map(({ name, type = 'gauge' }) => ({ name, type })),
    )
    assert.ok(named.length > own.length)
  })

  test('has no numbers made of no sample of the event loop', async () => {
    using exporter = new PrometheusExporter()
    // Nothing has been sampled yet, nor between two scrapes at once.
    for (const text of [await exporter.render(snapshot, 'text'), await exporter.render(snapshot, 'text')]) {
      assert.doesNotMatch(text, /nan$/im)
      assert.doesNotMatch(text, /^nodejs_eventloop_lag_min_seconds /m)
    }
    const sampled = async (): Promise<boolean> =>
      /^nodejs_eventloop_lag_mean_seconds [\d.e-]+$/m.test(await exporter.render(snapshot, 'text'))
    await eventually('the delay has been sampled', sampled, { interval: 200 })
  })

  test('is one text for all who ask at once, and whole in both formats', async () => {
    using exporter = new PrometheusExporter()
    let taken = 0
    const counted = (): Snapshot => {
      taken += 1
      return snapshot()
    }
    const texts = await Promise.all([1, 2, 3].map(async () => await exporter.render(counted, 'text')))
    assert.equal(new Set(texts).size, 1)
    assert.equal(taken, 1)
    const open = await exporter.render(counted, 'openmetrics')
    assert.equal(taken, 2)
    assert.match(open, /^pg_up 1$/m)
    assert.match(open, /^# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total /m)
    assert.match(open, /[^\n]\n# EOF\n$/)
    assert.doesNotMatch(open, /^$(?!\n?$)/m)
  })

  test('survives any text in a label', async () => {
    using exporter = new PrometheusExporter()
    const node = { ...snapshot().node, name: 'a"b\\c\nd' }
    assert.match(await exporter.render(() => snapshot({ node }), 'text'), /node="a\\"b\\\\c\\nd"/)
  })
})
