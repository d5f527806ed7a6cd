// What the reader of the log has to know of the cluster: this node's id, the sidecars of the others, the tables of shards.
import type { Whereabouts } from '../../exporters/statements/log-reader.ts'
import type { Sql } from '../../probes/sql.ts'
import { onNewAddresses } from '../cluster/sidecar-addresses.ts'
import type { Clock } from '../loop/clock.ts'

/** What this node knows from others is looked at this often, the catalog of shards this often, milliseconds. */
const [every, shardsEvery] = [1_000, 60_000]
/** The newest so many shards are known by name. */
const mostShards = 200_000

type Located = Parameters<ReturnType<typeof onNewAddresses>>[0]

export interface WhereaboutsOptions {
  readonly clock: Clock
  /** Whether Citus is here. */
  readonly citus: () => boolean
  readonly nodeId: () => number | undefined
  readonly members: () => Located
  readonly sql: (signal: AbortSignal) => Sql
  readonly know: (whereabouts: Whereabouts) => void
}

/** Tells what is new until the signal aborts. */
export async function followWhereabouts(options: WhereaboutsOptions, signal: AbortSignal): Promise<void> {
  const { clock, citus, nodeId, members, sql, know } = options
  const tellAddresses = onNewAddresses((addresses) => know({ addresses }))
  let told: number | undefined
  let shards: string | undefined
  for (let askedAt = -Infinity; !signal.aborted; await clock.sleep(every, signal)) {
    const id = nodeId()
    if (id !== told && id !== undefined) know({ nodeId: String(id) })
    told = id ?? told
    tellAddresses(members())
    if (!citus() || clock.now() - askedAt < shardsEvery) continue
    askedAt = clock.now()
    // Without them a shard's statement keeps the shard's name; asked again in a minute.
    shards = await newShards(sql(signal), shards, know).catch(() => undefined)
  }
}

/** Reads them only where something changed, and returns what shows that. @throws what the server said. */
async function newShards(
  sql: Sql,
  before: string | undefined,
  know: WhereaboutsOptions['know'],
): Promise<string | undefined> {
  const [row] = await sql.query<{ state: string }>(
    `select count(*) || ' ' || coalesce(max(shardid), 0) as state from pg_catalog.pg_dist_shard`,
  )
  if (row?.state === before) return before
  const tables = await sql.query<{ name: string; ids: readonly string[] }>(
    `select c.relname as name, array_agg(s.shardid::text) as ids
       from (select shardid, logicalrelid from pg_catalog.pg_dist_shard order by shardid desc limit ${mostShards}) s
       join pg_catalog.pg_class c on c.oid = s.logicalrelid group by c.oid, c.relname`,
  )
  know({ shards: tables.map(({ name, ids }) => [name, ids] as const) })
  return row?.state
}
