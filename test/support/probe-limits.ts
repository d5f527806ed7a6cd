// The limits that the default settings give the probes.
import { loadConfig } from '../../agent/config.ts'
import { probeLimits as limitsOf } from '../../agent/probe-limits.ts'
import type { ProbeLimits } from '../../probes/probe.ts'

export const probeLimits: ProbeLimits = {
  ...limitsOf(loadConfig({ CITUS_SIDECAR_ROLE: 'standalone' }, 'any')),
  writeStatement: 'write',
}
