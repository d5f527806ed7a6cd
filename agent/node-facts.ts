// What is known of this node when a probe is due, from what other probes have found.
import { isCoordinator } from '../probes/citus/local.ts'
import type { NodeFacts } from '../probes/probe.ts'
import type { Config } from './config.ts'
import type { ReadingStore } from './loop/readings.ts'

/** The facts of now. */
export function nodeFacts({ role, pgbouncerAddress }: Config, readings: ReadingStore): NodeFacts {
  const identity = readings.get('postgres.identity')?.lastGood?.value
  return {
    role,
    inRecovery: readings.get('postgres.alive')?.value?.inRecovery,
    version: identity?.serverVersionNum,
    extensions: identity?.extensions,
    coordinator: isCoordinator(role, readings.get('citus.local')?.lastGood?.value),
    pgbouncer: pgbouncerAddress !== undefined,
    citus: readings.get('citus.versions')?.lastGood?.value.library,
  }
}
