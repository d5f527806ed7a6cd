// The metrics of leaving: holds, drains, and how PostgreSQL was left.
import type { Count, HoldFigures } from '../leaving.ts'
import type { Snapshot } from '../exporter.ts'
import type { Metric } from './metric.ts'
import type { Sample } from './sample.ts'
import { flag, one } from './metric.ts'

function perKind({ holds = {} }: Snapshot, value: (figures: HoldFigures) => number): readonly Sample[] {
  return Object.entries(holds).map(([kind, figures]) => ({ labels: { kind }, value: value(figures) }))
}

function counted(counts: readonly Count[] | undefined): readonly Sample[] {
  return (counts ?? []).map(({ labels, count }) => ({ labels, value: count }))
}

/** Milliseconds; 0 for what does not go on. */
function elapsed(since: number | undefined, now: number): number {
  return since === undefined ? 0 : Math.max(0, now - since)
}

function seconds(ms: number | undefined): readonly Sample[] {
  return one(ms === undefined ? undefined : ms / 1_000)
}

export const leavingMetrics: readonly Metric[] = [
  {
    name: 'citus_sidecar_holds_active',
    help: 'Whether this sidecar holds client traffic now.',
    labels: ['kind'],
    samples: (snapshot) => perKind(snapshot, ({ since }) => Number(since !== undefined)),
  },
  {
    name: 'citus_sidecar_hold_seconds',
    help: 'How long this sidecar has been holding client traffic.',
    labels: ['kind'],
    samples: (snapshot) => perKind(snapshot, ({ since }) => elapsed(since, snapshot.now) / 1_000),
  },
  {
    name: 'citus_sidecar_hold_max_seconds',
    help: 'The longest that a hold may last.',
    labels: ['kind'],
    samples: (snapshot) => perKind(snapshot, ({ maxMs }) => maxMs / 1_000),
  },
  {
    name: 'citus_sidecar_holds_total',
    help: 'Holds that are over, by how they ended.',
    type: 'counter',
    labels: ['kind', 'outcome'],
    samples: ({ holds = {} }) =>
      Object.entries(holds).flatMap(([kind, { ended }]) =>
        Object.entries(ended).map(([outcome, value]) => ({ labels: { kind, outcome }, value })),
      ),
  },
  {
    name: 'citus_sidecar_drain_active',
    help: 'Whether this node is being drained.',
    labels: [],
    samples: ({ leaving }) => flag(leaving && leaving.since !== undefined),
  },
  {
    name: 'citus_sidecar_drain_seconds',
    help: 'How long the drain of this node has been going on.',
    labels: [],
    samples: ({ leaving, now }) => seconds(leaving && elapsed(leaving.since, now)),
  },
  {
    name: 'citus_sidecar_drains_total',
    help: 'Drains that ended, by cause and outcome.',
    type: 'counter',
    labels: ['cause', 'outcome'],
    samples: ({ leaving }) => counted(leaving?.drains),
  },
  {
    name: 'citus_sidecar_drain_phases_total',
    help: 'Phases of drains that ended, by cause, phase and outcome.',
    type: 'counter',
    labels: ['cause', 'phase', 'outcome'],
    samples: ({ leaving }) => counted(leaving?.phases),
  },
  {
    name: 'citus_sidecar_last_drain_complete',
    help: 'Whether the last drain left nothing undone.',
    labels: [],
    samples: ({ leaving }) => flag(leaving?.last?.complete),
  },
  {
    name: 'citus_sidecar_last_drain_timestamp_seconds',
    help: 'When the last drain ended.',
    labels: [],
    samples: ({ leaving }) => seconds(leaving?.last?.endedAt),
  },
  {
    name: 'citus_sidecar_last_drain_seconds',
    help: 'How long the last drain took.',
    labels: [],
    samples: ({ leaving }) => seconds(leaving?.last?.ms),
  },
  {
    name: 'citus_sidecar_last_drain_phase_seconds',
    help: 'How long a phase took in the last drain.',
    labels: ['phase'],
    samples: ({ leaving }) =>
      Object.entries(leaving?.last?.phaseMs ?? {}).map(([phase, ms]) => ({ labels: { phase }, value: ms / 1_000 })),
  },
  {
    name: 'citus_sidecar_last_drain_client_wait_seconds',
    help: 'How long clients were held for the last restart, from the grant to the release.',
    labels: [],
    samples: ({ leaving }) => seconds(leaving?.lastWaitMs),
  },
  {
    name: 'citus_sidecar_grace_period_seconds',
    help: 'The time that this node is given to stop.',
    labels: [],
    samples: ({ leaving }) => seconds(leaving?.graceMs),
  },
  {
    name: 'citus_sidecar_grace_period_too_short',
    help: 'Whether that time is too short for a drain.',
    labels: [],
    samples: ({ leaving }) => flag(leaving?.graceTooShort),
  },
  {
    name: 'citus_sidecar_unclean_stops_total',
    help: 'Stops in which PostgreSQL did not shut down cleanly.',
    type: 'counter',
    labels: [],
    samples: ({ leaving }) => one(leaving?.uncleanStops),
  },
  {
    name: 'citus_sidecar_last_stop_clean',
    help: 'Whether PostgreSQL last stopped with a shutdown checkpoint.',
    labels: [],
    samples: ({ leaving }) => flag(leaving?.lastStop?.clean),
  },
  {
    name: 'citus_sidecar_wal_unarchived_segments',
    help: 'WAL segments that nobody had archived when PostgreSQL last stopped.',
    labels: [],
    samples: ({ leaving }) => one(leaving?.lastStop?.unarchived),
  },
]
