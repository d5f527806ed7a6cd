// Can a primary write: read-only settings and full disks show only when one writes.
import type { Probe, ProbeLimits } from '../probe.ts'

export interface Writable {
  readonly latencyMs: number
}

/** One small write on a primary. */
export function writable(limits: ProbeLimits): Probe<'postgres.writable'> {
  return {
    name: 'postgres.writable',
    help: 'One small write on a primary: read-only mode and full disks fail it.',
    session: 'probe',
    interval: Math.min(limits.heartbeatInterval, 10_000),
    timeout: limits.statementTimeout,
    skip: (facts) => (facts.inRecovery === true ? 'this node is a standby' : undefined),
    read: async (context) => {
      const start = context.elapsed()
      await context.sql.query(limits.writeStatement)
      return { latencyMs: context.elapsed() - start }
    },
  }
}
