// The metrics table.
import type { ClusterNode } from '../../probes/citus/nodes.ts'
import type { Verdict } from '../../probes/verdicts/verdict.ts'
import type { Snapshot } from '../exporter.ts'
import { familyReadings } from './reading-texts.ts'
import { leavingMetrics } from './leaving-metrics.ts'
import type { Metric } from './metric.ts'
import type { Sample } from './sample.ts'
import { flag, one } from './metric.ts'
import { operationMetrics } from './operation-metrics.ts'
import { poolerMetrics } from './pooler-metrics.ts'
import { postgresMetrics } from './postgres-metrics.ts'
import { removalMetrics } from './removal-metrics.ts'

type AnyReading = NonNullable<Snapshot['readings'][keyof Snapshot['readings']]>

function perProbe(snapshot: Snapshot, value: (reading: AnyReading) => number | undefined): readonly Sample[] {
  return snapshot.probes.flatMap(({ name: probe }) => {
    const reading = snapshot.readings[probe]
    const found = reading && value(reading)
    return found === undefined ? [] : [{ labels: { probe }, value: found }]
  })
}

/** By the names that postgres_exporter has for its collectors. */
function perCollector(snapshot: Snapshot, value: (reading: AnyReading) => number): readonly Sample[] {
  return snapshot.probes.flatMap(({ name, collector }) => {
    const reading = snapshot.readings[name]
    return reading === undefined || collector === undefined ? [] : [{ labels: { collector }, value: value(reading) }]
  })
}

/** This node's row on the coordinator; undefined while nobody could say, null when there is none. */
function ownRow(snapshot: Snapshot): ClusterNode | null | undefined {
  const view = snapshot.readings['citus.nodes']?.lastGood?.value
  if (view === undefined) return undefined
  const { host, port } = snapshot.node
  return view.nodes.find((node) => node.host === host && node.port === port) ?? null
}

function ofRow(snapshot: Snapshot, value: (row: ClusterNode) => boolean): readonly Sample[] {
  const row = ownRow(snapshot)
  return row === undefined || row === null
    ? []
    : [{ labels: { group: String(row.groupId) }, value: Number(value(row)) }]
}

function failedChecks(verdict: Verdict): readonly Sample[] {
  return verdict.checks.map((check) => ({ labels: { check: check.name }, value: Number(check.status === 'failed') }))
}

/** Every metric of our own; the process's own metrics come from prom-client. */
export const metrics: readonly Metric[] = [
  ...postgresMetrics,
  {
    name: 'citus_node_registered',
    help: 'Whether the coordinator has this node.',
    labels: [],
    samples: (snapshot) => {
      const row = ownRow(snapshot)
      return flag(row === undefined ? undefined : row !== null)
    },
  },
  {
    name: 'citus_node_active',
    help: 'Whether the coordinator has this node as active.',
    labels: ['group'],
    samples: (snapshot) => ofRow(snapshot, (row) => row.active),
  },
  {
    name: 'citus_node_metadata_synced',
    help: 'Whether the coordinator says that the metadata of this node is in sync.',
    labels: ['group'],
    samples: (snapshot) => ofRow(snapshot, (row) => row.metadataSynced),
  },
  {
    name: 'citus_node_should_have_shards',
    help: 'Whether the coordinator may place shards on this node.',
    labels: ['group'],
    samples: (snapshot) => ofRow(snapshot, (row) => row.shouldHaveShards),
  },
  {
    name: 'citus_node_info',
    help: 'The row that the coordinator has of this node; always 1.',
    labels: ['nodeid', 'group', 'role', 'node'],
    samples: (snapshot) => {
      const row = ownRow(snapshot)
      if (row === undefined || row === null) return []
      const { nodeId, groupId, role, host, port } = row
      return [{ labels: { nodeid: String(nodeId), group: String(groupId), role, node: `${host}:${port}` }, value: 1 }]
    },
  },
  {
    name: 'citus_peer_probe_duration_seconds',
    help: 'How long it took to reach it, or to give up.',
    labels: ['peer'],
    samples: ({ readings }) =>
      (readings['citus.peers']?.value ?? []).map((peer) => ({
        labels: { peer: `${peer.host}:${peer.port}` },
        value: peer.durationMs / 1_000,
      })),
  },
  {
    name: 'citus_peer_reachable',
    help: 'Whether this node reaches another active node.',
    labels: ['peer'],
    samples: ({ readings }) =>
      (readings['citus.peers']?.value ?? []).map((peer) => ({
        labels: { peer: `${peer.host}:${peer.port}` },
        value: Number(peer.reachable),
      })),
  },
  {
    name: 'citus_sidecar_info',
    help: 'The sidecar itself; always 1.',
    labels: ['version', 'role', 'node'],
    samples: ({ node }) => [{ labels: { version: node.version, role: node.role, node: node.name }, value: 1 }],
  },
  { name: 'citus_sidecar_live', help: 'Liveness verdict.', labels: [], samples: ({ live }) => flag(live.ok) },
  { name: 'citus_sidecar_ready', help: 'Readiness verdict.', labels: [], samples: ({ ready }) => flag(ready.ok) },
  { name: 'citus_sidecar_started', help: 'Startup verdict.', labels: [], samples: ({ started }) => flag(started.ok) },
  {
    name: 'citus_sidecar_check_failed',
    help: 'Whether a check of readiness fails.',
    labels: ['check'],
    samples: ({ ready }) => failedChecks(ready),
  },
  {
    name: 'citus_sidecar_join_refused',
    help: 'Whether joining is refused until a person decides.',
    labels: [],
    samples: ({ join }) => flag(join.finding === 'off' ? undefined : join.finding === 'refused'),
  },
  {
    name: 'citus_sidecar_last_verified_timestamp_seconds',
    help: 'When the coordinator last confirmed this node.',
    labels: [],
    samples: ({ join }) => one(join.verifiedAt === undefined ? undefined : join.verifiedAt / 1_000),
  },
  {
    name: 'citus_sidecar_maintenance',
    help: 'Whether this node is in maintenance.',
    labels: [],
    samples: ({ maintenance }) => flag(maintenance.on),
  },
  {
    name: 'citus_sidecar_listening',
    help: 'Whether the LISTEN session on the coordinator is up.',
    labels: [],
    samples: ({ listening, join }) => flag(join.finding === 'off' ? undefined : listening),
  },
  ...poolerMetrics,
  ...leavingMetrics,
  ...removalMetrics,
  ...operationMetrics,
  {
    name: 'citus_sidecar_probe_success',
    help: 'Whether the last run of a probe succeeded.',
    labels: ['probe'],
    samples: (snapshot) => perProbe(snapshot, (reading) => Number(reading.error === undefined)),
  },
  {
    name: 'citus_sidecar_probe_duration_seconds',
    help: 'How long the last run of a probe took, its wait apart.',
    labels: ['probe'],
    samples: (snapshot) => perProbe(snapshot, (reading) => reading.durationMs / 1_000),
  },
  {
    name: 'citus_sidecar_probe_wait_seconds',
    help: 'How long it waited before that for its turn on the connection.',
    labels: ['probe'],
    samples: (snapshot) => perProbe(snapshot, (reading) => reading.waitedMs / 1_000),
  },
  {
    name: 'citus_sidecar_probe_last_success_timestamp_seconds',
    help: 'When a run of a probe last succeeded.',
    labels: ['probe'],
    samples: (snapshot) =>
      perProbe(snapshot, (reading) => (reading.lastGood === undefined ? undefined : reading.lastGood.takenAt / 1_000)),
  },
  {
    name: 'pg_scrape_collector_success',
    help: 'Whether the last run of a collector of this name succeeded.',
    labels: ['collector'],
    samples: (snapshot) => perCollector(snapshot, (reading) => Number(reading.error === undefined)),
  },
  {
    name: 'pg_scrape_collector_duration_seconds',
    help: 'How long it took.',
    labels: ['collector'],
    samples: (snapshot) => perCollector(snapshot, (reading) => reading.durationMs / 1_000),
  },
  {
    name: 'pg_exporter_last_scrape_error',
    help: 'Whether the last run of any collector failed.',
    labels: [],
    samples: (snapshot) =>
      flag(perCollector(snapshot, (reading) => Number(reading.error !== undefined)).some(({ value }) => value > 0)),
  },
  {
    name: 'citus_sidecar_probe_age_seconds',
    help: 'How long ago the last run of a probe ended.',
    labels: ['probe'],
    samples: (snapshot) => perProbe(snapshot, (reading) => Math.max(0, snapshot.now - reading.takenAt) / 1_000),
  },
  {
    name: 'pg_exporter_scrapes_total',
    help: 'Scrapes since this sidecar started.',
    type: 'counter',
    labels: [],
    samples: ({ scrapes }) => one(scrapes === undefined ? undefined : scrapes.before + 1),
  },
  {
    name: 'pg_exporter_last_scrape_duration_seconds',
    help: 'How long the last scrape took to render.',
    labels: [],
    samples: ({ scrapes }) => one(scrapes?.lastSeconds),
  },
  {
    name: 'citus_sidecar_queries_wrong',
    help: 'Problems in the files of own queries.',
    labels: [],
    samples: ({ queriesWrong }) => one(queriesWrong),
  },
  {
    name: 'citus_sidecar_spans_exported_total',
    help: 'Spans that the receiver of traces took.',
    type: 'counter',
    labels: [],
    samples: ({ traces }) => one(traces?.exported),
  },
  {
    name: 'citus_sidecar_spans_dropped_total',
    help: 'Spans that were lost: the queue was full, or the receiver of traces did not take them.',
    type: 'counter',
    labels: [],
    samples: ({ traces }) => one(traces?.dropped),
  },
  {
    name: 'citus_sidecar_series_dropped',
    help: 'Rows of a family that have no sample of their own: above the limit of a family, twice there, or no number.',
    labels: ['family'],
    samples: (snapshot) =>
      familyReadings(snapshot).flatMap(({ families }) =>
        families
          .filter(({ dropped }) => dropped > 0)
          .map(({ spec, dropped }) => ({ labels: { family: spec.name }, value: dropped })),
      ),
  },
]
