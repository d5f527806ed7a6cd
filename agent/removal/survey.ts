// What a removal rests on, as the coordinator and the other nodes have it now; reading it changes nothing.
import type { Sql } from '../../probes/sql.ts'
import { overStates } from '../cluster/schema-removal-steps.ts'

/** A row of pg_dist_node with the number of shards of distributed tables that its group has. */
export interface RemovalNode {
  readonly nodeId: number
  readonly groupId: number
  readonly host: string
  readonly port: number
  readonly role: string
  readonly active: boolean
  readonly synced: boolean
  readonly shouldHaveShards: boolean
  readonly shards: number
}

/** A distributed table with shards on the node. */
export interface ShardedTable {
  readonly name: string
  readonly owner: string
  readonly shards: number
  /** Of these shards; null where nobody says. */
  readonly bytes: number | null
  readonly rows: number | null
  /** Whether updates and deletes can be replicated. */
  readonly identity: boolean
  readonly unlogged: boolean
  readonly foreign: boolean
  /** Whether a shard has more than one copy. */
  readonly replicated: boolean
}

/** How much there may be of something, and how much there is. */
export type Capacity = readonly [most: number, used: number]

/** What one server has for moving shards. */
export interface ServerAnswer {
  readonly walLevel: string
  readonly slots: Capacity
  readonly origins: Capacity
  readonly senders: Capacity
  readonly subscribers: Capacity
  /** Bytes; null where Citus does not say. */
  readonly disk: { readonly free: number; readonly all: number } | null
  /** Clients that are connected to it directly. */
  readonly clients: number
}

export interface Prepared {
  /** `age` in seconds. */
  readonly left: readonly { readonly where: string; readonly gid: string; readonly age: number }[]
  /** Nodes that did not say. */
  readonly silent: readonly { readonly nodeId: number; readonly where: string; readonly reason: string }[]
}

export interface Survey {
  /** By the coordinator's clock, milliseconds since 1970. */
  readonly now: number
  readonly nodes: readonly RemovalNode[]
  readonly tables: readonly ShardedTable[]
  /** Whether sizes are the node's own; else they are taken from its tables' other shards. */
  readonly measured: boolean
  readonly servers: readonly {
    readonly nodeId: number
    readonly answer: ServerAnswer | null
    readonly failure: string | null
  }[]
  readonly prepared: Prepared
  /** Id of the rebalance that goes on. */
  readonly rebalance: number | undefined
  /** Moves that Citus makes at once from one node. */
  readonly moves: number
  /** The removal that goes on. */
  readonly removal: { readonly id: string; readonly member: string; readonly nodeId: number } | undefined
}

/** The coordinator's nodes; @throws as queries do. */
export async function readRemovalNodes(sql: Sql): Promise<readonly RemovalNode[]> {
  return await sql.query<RemovalNode>(`
    select n.nodeid as "nodeId", n.groupid as "groupId", n.nodename as host, n.nodeport as port, n.noderole::text as role,
           n.isactive as active, n.metadatasynced or not n.hasmetadata as synced, n.shouldhaveshards as "shouldHaveShards",
           (select count(*)::int from citus_sidecar.shards_of_group(n.groupid)) as shards
      from pg_catalog.pg_dist_node n order by n.groupid, n.nodeid`)
}

const tablesSql = `
  select pg_catalog.format('%I.%I', s.nspname, c.relname) as name, pg_catalog.pg_get_userbyid(c.relowner) as owner, g.shards, null as bytes, null as rows,
         c.relpersistence = 'u' as unlogged, c.relkind = 'f' as foreign,
         c.relkind in ('p', 'f') or c.relreplident = 'f'
           or exists (select from pg_catalog.pg_index i where i.indrelid = c.oid
                        and (c.relreplident = 'd' and i.indisprimary or c.relreplident = 'i' and i.indisreplident)) as identity,
         exists (select from pg_catalog.pg_dist_shard d join pg_catalog.pg_dist_placement p on p.shardid = d.shardid
                  where d.logicalrelid = c.oid group by d.shardid having count(*) > 1) as replicated, c.oid::text as id
    from (select table_id, count(*)::int as shards from citus_sidecar.shards_of_group($1) group by table_id) g
    join pg_catalog.pg_class c on c.oid = g.table_id join pg_catalog.pg_namespace s on s.oid = c.relnamespace
   order by 1`

const measuredSql = `
  select table_id::text as id, sum(bytes)::float8 as bytes, sum(row_count)::float8 as rows from citus_sidecar.sizes_of_group($1) group by table_id`

/** By what the tables' other shards have on average. */
const estimatedSql = `
  select z.table_id::text as id, avg(z.bytes)::float8 as bytes, avg(z.row_count)::float8 as rows
    from (select distinct n.groupid from pg_catalog.pg_dist_node n where n.noderole = 'primary' and n.isactive and n.groupid <> $1) o,
         citus_sidecar.sizes_of_group(o.groupid) z group by z.table_id`

const workSql = `
  select (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8 as now,
         (select j.job_id::float8 from pg_catalog.pg_dist_background_job j where j.job_type = 'rebalance' and j.state::text <> all ($1::text[]) limit 1) as rebalance,
         coalesce(pg_catalog.current_setting('citus.max_background_task_executors_per_node', true), '1')::int as moves,
         (select pg_catalog.jsonb_build_object('id', r.id, 'member', r.member, 'nodeId', r.node_id) from citus_sidecar.removals r where r.outcome is null) as removal`

interface Work {
  readonly now: number
  readonly rebalance: number | null
  readonly moves: number
  readonly removal: Survey['removal'] | null
}

interface Size {
  readonly id: string
  readonly bytes: number
  readonly rows: number
}

/** Surveys what the removal of one node meets. @throws as queries do. */
export async function readSurvey(sql: Sql, node: RemovalNode): Promise<Survey> {
  const { nodeId, groupId, role } = node
  const nodes = await readRemovalNodes(sql)
  const servers = await sql.query<Survey['servers'][number]>(
    'select node_id as "nodeId", answer, failure from citus_sidecar.survey_nodes($1)',
    [nodeId],
  )
  const [prepared] = await sql.query<{ found: Prepared }>('select citus_sidecar.prepared_by($1) as found', [groupId])
  const [work] = await sql.query<Work>(workSql, [[...overStates]])
  if (work === undefined || prepared === undefined) throw new Error('the coordinator answered without a row')
  const found = {
    now: work.now,
    nodes,
    servers,
    prepared: prepared.found,
    rebalance: work.rebalance ?? undefined,
    moves: work.moves,
    removal: work.removal ?? undefined,
  }
  // Shards and prepared transactions are the primary's.
  if (role !== 'primary' || groupId === 0)
    return { ...found, prepared: { left: [], silent: [] }, tables: [], measured: true }
  const tables = await sql.query<ShardedTable & { id: string }>(tablesSql, [groupId])
  const own = await sql.query<Size>(measuredSql, [groupId])
  const measured = own.length > 0 || tables.length === 0
  const sizes = measured ? own : await sql.query<Size>(estimatedSql, [groupId])
  return {
    ...found,
    measured,
    tables: tables.map(({ id, ...table }) =>
      withSize(
        table,
        sizes.find((size) => size.id === id),
        measured,
      ),
    ),
  }
}

function withSize(table: ShardedTable, size: Size | undefined, measured: boolean): ShardedTable {
  if (size === undefined) return table
  const times = measured ? 1 : table.shards
  return { ...table, bytes: Math.round(size.bytes * times), rows: Math.round(size.rows * times) }
}
