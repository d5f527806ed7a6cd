// The two lists of collections: of a node, and of a PgBouncer.
import { background } from './citus/background.ts'
import { shards } from './citus/shards.ts'
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
import { databases } from './postgres/databases.ts'
import { locks } from './postgres/locks.ts'
import { tables } from './postgres/tables.ts'
import { wal } from './postgres/wal.ts'
import type { ProbePaths } from './probe.ts'

/** Collections of a node, in the order in which they start. */
export function collectionsOf(paths: ProbePaths) {
  return [
    activity,
    databases,
    tables,
    locks,
    checkpoints,
    wal,
    shards,
    transactions,
    background,
    cgroup,
    volumes(paths),
    archive(paths),
    hugePages,
    certificates(paths),
    pgbackrest(paths),
    log(paths),
  ] as const
}

/** Collections of a sidecar beside a PgBouncer. */
export function poolerCollectionsOf(paths: ProbePaths) {
  return [pools, stats, capacity, lists, config, cgroup, certificates(paths)] as const
}

type AnyCollection = ReturnType<typeof collectionsOf | typeof poolerCollectionsOf>[number]

export type CollectionName = AnyCollection['name']
