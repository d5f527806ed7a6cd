// What the reader of the log has to know of the cluster: this node's id, the sidecars of the others, the tables of shards.
import type { Whereabouts } from '../../exporters/statements/log-reader.ts'
import type { Sql } from '../../probes/sql.ts'
import { onNewAddresses } from '../cluster/sidecar-addresses.ts'
import type { Clock } from '../loop/clock.ts'

/** What this node knows from others is looked at this often, milliseconds. */
const every = 1_000
/** New shards are looked for this often, and renamed tables this often, milliseconds. */
const [shardsEvery, allEvery] = [10_000, 600_000]
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
  let newest: string | undefined
  let [askedAt, readAt] = [-Infinity, -Infinity]
  for (; !signal.aborted; await clock.sleep(every, signal)) {
    const id = nodeId()
    if (id !== told && id !== undefined) know({ nodeId: String(id) })
    told = id ?? told
    tellAddresses(members())
    if (!citus() || clock.now() - askedAt < shardsEvery) continue
    askedAt = clock.now()
    if (askedAt - readAt >= allEvery) newest = undefined
    // Without them a shard's statement keeps the shard's name; asked again soon.
    const now = await newShards(sql(signal), newest, know).catch(() => newest)
    if (now !== newest) readAt = askedAt
    newest = now
  }
}

/** Reads them only where there are new ones, and returns the newest. @throws what the server said. */
async function newShards(
  sql: Sql,
  before: string | undefined,
  know: WhereaboutsOptions['know'],
): Promise<string | undefined> {
  const [row] = await sql.query<{ newest: string }>(
    'select coalesce(max(shardid), 0)::text as newest from pg_catalog.pg_dist_shard',
  )
  if (row?.newest === before) return before
  const tables = await sql.query<{ name: string; ids: string }>(
    `select c.relname as name, string_agg(s.shardid::text, ',') as ids
       from (select shardid, logicalrelid from pg_catalog.pg_dist_shard order by shardid desc limit ${mostShards}) s
       join pg_catalog.pg_class c on c.oid = s.logicalrelid group by c.oid, c.relname`,
  )
  know({ shards: tables.map(({ name, ids }) => [name, ids] as const) })
  return row?.newest
}
