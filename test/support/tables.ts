// A distributed and a reference table on a cluster of any kind: real ones where Citus is real, their rows in the
// catalogs where it is the stand-in.
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'

/** Creates table `d` with so many shards spread over the workers, and reference table `r`, which has a copy on every node. */
export async function makeTables(cluster: LocalCluster, shardCount = 8): Promise<void> {
  const { postgres } = cluster.coordinator
  await postgres.query('create table public.d (id int); create table public.r (id int)')
  if (cluster.kind === 'citus') {
    await postgres.query(`select create_distributed_table('d', 'id', shard_count => ${shardCount})`)
    await postgres.query(`select create_reference_table('r')`)
    return
  }
  // The stand-in has no such functions: the rows that they leave, and then their copies on the workers.
  await postgres.query(`
    with groups as (select groupid, row_number() over (order by groupid) - 1 as place, count(*) over () as number
                      from pg_dist_node where noderole = 'primary' and groupid > 0),
         tables as (insert into pg_dist_partition values ('d', 'h', 'id', 1, 'c'), ('r', 'n', null, 2, 't')),
         colocation as (insert into pg_dist_colocation values (1, ${shardCount}, 1, 23, 0), (2, 1, -1, 0, 0)),
         shards as (insert into pg_dist_shard
                    select 'd', 102008 + i, 't', i::text, i::text from generate_series(0, ${shardCount - 1}) i
                    union all select 'r', 102108, 't', null, null)
    insert into pg_dist_placement (shardid, shardstate, shardlength, groupid)
    select 102008 + i, 1, 0, groupid from generate_series(0, ${shardCount - 1}) i join groups on i % number = place
    union all select 102108, 1, 0, groupid from pg_dist_node where noderole = 'primary'`)
  await postgres.query(`
    select start_metadata_sync_to_node(nodename, nodeport) from pg_dist_node where noderole = 'primary' and groupid > 0`)
}

/** Placements in a node's own copy of the metadata. */
export async function placementsOf(server: PostgresServer): Promise<number> {
  const [row] = await server.query<{ count: number }>('select count(*)::int as count from pg_dist_placement')
  return row?.count ?? 0
}

/** A worker that has no shard of table `d`, if there is one. */
export async function withoutShards(cluster: LocalCluster): Promise<LocalNode | undefined> {
  const rows = await cluster.coordinator.postgres.query<{ nodeport: number }>(`
    select n.nodeport from pg_dist_node n join pg_dist_placement p using (groupid) join pg_dist_shard s using (shardid)
     where s.logicalrelid = 'd'::regclass`)
  const loaded = new Set(rows.map(({ nodeport }) => nodeport))
  return cluster.workers.find(({ pgPort }) => !loaded.has(pgPort))
}
