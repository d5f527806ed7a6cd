// The metrics of operations that ended: how long they, their phases and the clients of a restart took.
import type { Metric } from './metric.ts'

export const operationMetrics: readonly Metric[] = [
  {
    name: 'citus_sidecar_operation_duration_seconds',
    help: 'How long operations of this sidecar took, by how they came out.',
    type: 'histogram',
    labels: ['operation', 'outcome'],
    samples: ({ durations }) => durations?.operations ?? [],
  },
  {
    name: 'citus_sidecar_operation_phase_duration_seconds',
    help: 'How long their phases took.',
    type: 'histogram',
    labels: ['operation', 'phase', 'outcome'],
    samples: ({ durations }) => durations?.phases ?? [],
  },
  {
    name: 'citus_sidecar_client_wait_duration_seconds',
    help: 'How long clients were held for restarts of this node, from the grant to the release.',
    type: 'histogram',
    labels: [],
    samples: ({ durations }) => durations?.clientWaits ?? [],
  },
]
