// The metrics of a PgBouncer that come of more than one query.
import type { Metric } from './metric.ts'
import { flag } from './metric.ts'

export const poolerMetrics: readonly Metric[] = [
  {
    name: 'pgbouncer_up',
    help: 'Whether the admin console of PgBouncer answers.',
    labels: [],
    samples: ({ readings }) => {
      const alive = readings['pgbouncer.alive']
      return flag(alive && alive.value !== undefined)
    },
  },
  {
    name: 'pgbouncer_version_info',
    help: 'The version of PgBouncer; always 1.',
    labels: ['version'],
    samples: ({ readings }) => {
      const version = readings['pgbouncer.alive']?.value?.version
      return version === undefined ? [] : [{ labels: { version }, value: 1 }]
    },
  },
]
