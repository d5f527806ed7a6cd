// The two lists of collections: beside PostgreSQL, and beside a PgBouncer.
import { background } from './citus/background.ts'
import { backends } from './citus/backends.ts'
import { columnar } from './citus/columnar.ts'
import { counters } from './citus/counters.ts'
import { lockWaits } from './citus/lock-waits.ts'
import { fingerprints, placements } from './citus/metadata.ts'
import { orphans } from './citus/orphans.ts'
import { rebalance } from './citus/rebalance.ts'
import { remotePool } from './citus/remote-pool.ts'
import { shards } from './citus/shards.ts'
import { tenants } from './citus/tenants.ts'
import { transactions } from './citus/transactions.ts'
import { archive } from './host/archive.ts'
import { cgroup } from './host/cgroup.ts'
import { certificates } from './host/certificates.ts'
import { hugePages } from './host/huge-pages.ts'
import { log } from './host/log.ts'
import { pgbackrest } from './host/pgbackrest.ts'
import { volumes } from './host/volumes.ts'
import { capacity } from './pgbouncer/capacity.ts'
import { config, lists } from './pgbouncer/lists.ts'
import { pools } from './pgbouncer/pools.ts'
import { stats } from './pgbouncer/stats.ts'
import { activity } from './postgres/activity.ts'
import { checkpoints } from './postgres/checkpoints.ts'
import { databaseLimits } from './postgres/database-limits.ts'
import { databaseSizes } from './postgres/database-sizes.ts'
import { databases } from './postgres/databases.ts'
import { horizon } from './postgres/horizon.ts'
import { indexes } from './postgres/indexes.ts'
import { io } from './postgres/io.ts'
import { locks } from './postgres/locks.ts'
import { pendingRestart } from './postgres/pending-restart.ts'
import { indexBuilds, vacuums } from './postgres/progress.ts'
import { replicas } from './postgres/replicas.ts'
import { roles } from './postgres/roles.ts'
import { sequences } from './postgres/sequences.ts'
import { sessions } from './postgres/sessions.ts'
import { settings } from './postgres/settings.ts'
import { slots } from './postgres/slots.ts'
import { standby } from './postgres/standby.ts'
import { statements } from './postgres/statements.ts'
import { tableIo } from './postgres/table-io.ts'
import { tables } from './postgres/tables.ts'
import { version } from './postgres/version.ts'
import { wal } from './postgres/wal.ts'
import type { FamilySpec } from './collection.ts'
import type { ProbePaths } from './probe.ts'

const ofPgBouncer = [pools, stats, capacity, lists, config] as const

/** Collections of a node, in the order in which they start. */
export function collectionsOf(paths: ProbePaths) {
  return [
    activity,
    sessions,
    databases,
    databaseLimits,
    databaseSizes,
    locks,
    checkpoints,
    wal,
    replicas,
    standby,
    slots,
    horizon,
    settings,
    pendingRestart,
    version,
    roles,
    tables,
    tableIo,
    indexes,
    sequences,
    vacuums,
    indexBuilds,
    io,
    statements,
    backends,
    shards,
    transactions,
    lockWaits,
    placements,
    fingerprints,
    background,
    rebalance,
    orphans,
    counters,
    tenants,
    remotePool,
    columnar,
    cgroup,
    volumes(paths),
    archive(paths),
    hugePages,
    certificates(paths),
    pgbackrest(paths),
    log(paths),
    ...ofPgBouncer,
  ] as const
}

/** Every family that a sidecar may tell, wherever it looks. */
export function everyFamily(): readonly (FamilySpec & { readonly probe: CollectionName })[] {
  const paths = { data: undefined, log: undefined, pgbackrest: undefined, certificates: [] }
  const all = new Map<CollectionName, readonly FamilySpec[]>(
    [...collectionsOf(paths), ...poolerCollectionsOf(paths)].map(({ name, families }) => [name, families]),
  )
  return [...all].flatMap(([probe, families]) => families.map((family) => ({ ...family, probe })))
}

/** Collections of a sidecar beside a PgBouncer. */
export function poolerCollectionsOf(paths: ProbePaths) {
  return [...ofPgBouncer, cgroup, certificates(paths)] as const
}

type AnyCollection = ReturnType<typeof collectionsOf | typeof poolerCollectionsOf>[number]

export type CollectionName = AnyCollection['name']
