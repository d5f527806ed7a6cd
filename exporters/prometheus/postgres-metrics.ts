// The metrics of the PostgreSQL beside the sidecar that are no samples of one query: whether it answers, since when, and how often it began anew.
import type { Metric } from './metric.ts'
import { flag, one } from './metric.ts'

export const postgresMetrics: readonly Metric[] = [
  {
    name: 'pg_up',
    help: 'Whether PostgreSQL answers on the held session.',
    labels: [],
    samples: ({ readings }) =>
      flag(readings['postgres.alive'] === undefined ? undefined : readings['postgres.alive'].value !== undefined),
  },
  {
    name: 'pg_postmaster_start_time_seconds',
    help: 'Time at which postmaster started.',
    labels: [],
    samples: ({ readings }) => {
      const started = readings['postgres.alive']?.lastGood?.value.startedAt
      return one(started === undefined ? undefined : started / 1_000)
    },
  },
  {
    name: 'citus_sidecar_postgres_restarts_total',
    help: 'Times that PostgreSQL has started anew, by a new postmaster or, after a process had crashed, under the same one.',
    type: 'counter',
    labels: ['kind'],
    samples: ({ restarts = { postmaster: undefined, crash: undefined } }) =>
      Object.entries(restarts).flatMap(([kind, value]) => (value === undefined ? [] : [{ labels: { kind }, value }])),
  },
  {
    name: 'pg_replication_is_replica',
    help: 'Whether the server is in recovery.',
    labels: [],
    samples: ({ readings }) => flag(readings['postgres.alive']?.value?.inRecovery),
  },
]
