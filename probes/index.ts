// The one list of probes.
import { local } from './citus/local.ts'
import { nodes } from './citus/nodes.ts'
import { peers } from './citus/peers.ts'
import { versions } from './citus/versions.ts'
import { collect } from './collection.ts'
import { collectionsOf, poolerCollectionsOf } from './collections.ts'
import { besidePostgres, poolerAlive } from './pgbouncer/alive.ts'
import { pooledDatabases } from './pgbouncer/databases.ts'
import { poolerLimits } from './pgbouncer/limits.ts'
import { acceptance } from './postgres/acceptance.ts'
import { alive } from './postgres/alive.ts'
import { identity } from './postgres/identity.ts'
import { replication } from './postgres/replication.ts'
import { stopCost } from './postgres/stop-cost.ts'
import { writable } from './postgres/writable.ts'
import type { Probe, ProbeLimits, ProbeName, ReadingError } from './probe.ts'

/** A probe whose reading type is known only by its name. */
export type AnyProbe = { [N in ProbeName]: Probe<N> }[ProbeName]

/** All probes, in the order in which they start. */
export function allProbes(limits: ProbeLimits, describe: (error: unknown) => ReadingError): readonly AnyProbe[] {
  return [
    alive(limits),
    acceptance(limits, describe),
    identity(limits),
    versions(limits),
    local(limits),
    replication(limits),
    writable(limits),
    stopCost(limits),
    nodes(limits),
    peers(limits),
    poolerAlive(limits, besidePostgres),
    ...collectionsOf(limits.paths).map((collection) => collect(collection, limits) as AnyProbe),
  ]
}

/** The probes of a sidecar beside a PgBouncer, instead of all others. */
export function poolerProbes(limits: ProbeLimits): readonly AnyProbe[] {
  return [
    poolerAlive(limits),
    pooledDatabases(limits),
    poolerLimits(limits),
    ...poolerCollectionsOf(limits.paths).map((collection) => collect(collection, limits) as AnyProbe),
  ]
}
