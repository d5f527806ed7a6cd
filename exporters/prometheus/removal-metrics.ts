// The metrics of removals, and of workers that are gone with shards on them.
import type { Metric } from './metric.ts'
import { flag, one } from './metric.ts'

export const removalMetrics: readonly Metric[] = [
  {
    name: 'citus_sidecar_removal_active',
    help: 'Whether the removal of a node goes on.',
    labels: [],
    samples: ({ removal }) => flag(removal?.active),
  },
  {
    name: 'citus_sidecar_removal_left_bytes',
    help: 'Bytes of shards that the node to be removed still has.',
    labels: [],
    samples: ({ removal }) => one(removal?.leftBytes),
  },
  {
    name: 'citus_sidecar_removal_total_bytes',
    help: 'Bytes of shards that it had.',
    labels: [],
    samples: ({ removal }) => one(removal?.totalBytes),
  },
  {
    name: 'citus_sidecar_removals_total',
    help: 'Removals that ended, by how.',
    type: 'counter',
    labels: ['outcome'],
    samples: ({ removal }) =>
      Object.entries(removal?.ended ?? {}).map(([outcome, value]) => ({ labels: { outcome }, value })),
  },
  {
    name: 'citus_sidecar_member_lost_with_shards',
    help: 'Shards that are nowhere else than on a worker that is gone; 0 while it is there.',
    labels: ['member'],
    samples: ({ lost = [] }) => lost.map(({ member, shards }) => ({ labels: { member }, value: shards })),
  },
]
