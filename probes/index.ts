// The one list of probes.
import { background } from './citus/background.ts'
import { local } from './citus/local.ts'
import { nodes } from './citus/nodes.ts'
import { peers } from './citus/peers.ts'
import { shards } from './citus/shards.ts'
import { transactions } from './citus/transactions.ts'
import { versions } from './citus/versions.ts'
import { collect } from './collection.ts'
import { poolerAlive } from './pgbouncer/alive.ts'
import { pooledDatabases } from './pgbouncer/databases.ts'
import { poolerLimits } from './pgbouncer/limits.ts'
import { acceptance } from './postgres/acceptance.ts'
import { activity } from './postgres/activity.ts'
import { alive } from './postgres/alive.ts'
import { checkpoints } from './postgres/checkpoints.ts'
import { databases } from './postgres/databases.ts'
import { identity } from './postgres/identity.ts'
import { locks } from './postgres/locks.ts'
import { replication } from './postgres/replication.ts'
import { stopCost } from './postgres/stop-cost.ts'
import { tables } from './postgres/tables.ts'
import { wal } from './postgres/wal.ts'
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
    collect(activity, limits),
    collect(databases, limits),
    collect(tables, limits),
    collect(locks, limits),
    collect(checkpoints, limits),
    collect(wal, limits),
    collect(shards, limits),
    collect(transactions, limits),
    collect(background, limits),
  ]
}

/** The probes of a sidecar beside a PgBouncer, instead of all others. */
export function poolerProbes(limits: ProbeLimits): readonly AnyProbe[] {
  return [poolerAlive(limits), pooledDatabases(limits), poolerLimits(limits)]
}
