// Is PgBouncer alive: does its admin console answer, and how fast. It does so while databases are paused.
import type { Probe, ProbeLimits } from '../probe.ts'
import { notAskedOn } from '../where.ts'

export interface PoolerAlive {
  readonly latencyMs: number
  /** As PgBouncer says it: `PgBouncer 1.18.0`. */
  readonly version: string
}

/** Verdicts of a pooler are made of it, milliseconds. */
const besidePgBouncer = 1_000
/** Beside PostgreSQL nothing depends on it, and a login that is refused is a line in PgBouncer's log. */
export const besidePostgres = 15_000

/** The admin console answers, asked every `interval` milliseconds. */
export function poolerAlive(limits: ProbeLimits, interval = besidePgBouncer): Probe<'pgbouncer.alive'> {
  return {
    name: 'pgbouncer.alive',
    help: 'Latency of the admin console, version.',
    session: 'pgbouncer',
    interval,
    timeout: Math.max(limits.frozenAfter - 1_500, 500),
    skip: (facts) => notAskedOn({ pgbouncer: true }, facts),
    read: async (context) => {
      const start = context.elapsed()
      const [row] = await context.sql.query<{ version: string }>('SHOW VERSION')
      if (row === undefined) throw new Error('PgBouncer answered without a row')
      return { version: row.version, latencyMs: context.elapsed() - start }
    },
  }
}
