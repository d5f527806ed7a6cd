// Is PgBouncer alive: does its admin console answer, and how fast. It does so while databases are paused.
import type { Probe, ProbeLimits } from '../probe.ts'

export interface PoolerAlive {
  readonly latencyMs: number
  /** As PgBouncer says it: `PgBouncer 1.18.0`. */
  readonly version: string
}

/** The admin console answers. */
export function poolerAlive(limits: ProbeLimits): Probe<'pgbouncer.alive'> {
  return {
    name: 'pgbouncer.alive',
    help: 'Latency of the admin console, version.',
    session: 'probe',
    interval: 1_000,
    timeout: Math.max(limits.frozenAfter - 1_500, 500),
    skip: () => undefined,
    read: async (context) => {
      const start = context.elapsed()
      const [row] = await context.sql.query<{ version: string }>('SHOW VERSION')
      if (row === undefined) throw new Error('PgBouncer answered without a row')
      return { version: row.version, latencyMs: context.elapsed() - start }
    },
  }
}
