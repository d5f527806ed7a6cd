// What tests of removals ask again and again: the command, what it leaves untouched, tables with shards, transactions left prepared.
import { randomUUID } from 'node:crypto'
import { openRemoval, requestRemoval } from '../../agent/removal/removal-ledger.ts'
import type { Removal } from '../../agent/removal/removal-ledger.ts'
import type { TransferMode } from '../../agent/removal/rules.ts'
import { readRemovalNodes } from '../../agent/removal/survey.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { ProgramResult } from '../../deploy/local/run-program.ts'
import { catalogsOf, patience } from './joining.ts'
import { ledgerOf } from './pool-holds.ts'

/** `citus-sidecar remove` in a node's pod. */
export async function removeFrom(node: LocalNode, ...args: readonly string[]): Promise<ProgramResult> {
  return await node.command(['remove', ...args])
}

/** Asks for the removal of a node as the command does, for what takes longer than a command may in a test. */
export async function askRemoval(
  cluster: LocalCluster,
  node: LocalNode,
  transfer_mode: TransferMode = 'auto',
): Promise<string> {
  const sql = ledgerOf(cluster)
  const wanted = (await readRemovalNodes(sql)).find(({ port }) => port === node.pgPort)
  return await requestRemoval(sql, {
    id: randomUUID(),
    member: node.name,
    node_id: wanted?.nodeId ?? -1,
    transfer_mode,
    allow_gap: false,
  })
}

/** Every row that a removal could touch, with the transaction that wrote it. */
export async function touched(cluster: LocalCluster): Promise<unknown> {
  const of = async (sql: string): Promise<unknown> => await cluster.coordinator.postgres.query(sql)
  return {
    nodes: await Promise.all(cluster.nodes.map(async ({ postgres }) => await catalogsOf(postgres))),
    should: await of('select nodeid, shouldhaveshards from pg_dist_node order by 1'),
    placements: await of('select xmin::text, * from pg_dist_placement order by placementid'),
    jobs: await of('select xmin::text, job_id from pg_dist_background_job order by job_id'),
    removals: await of('select xmin::text, id::text from citus_sidecar.removals order by id'),
    operations: await of('select xmin::text, id::text from citus_sidecar.operations order by id'),
  }
}

/** Waits until the one removal that is open is as wanted; undefined where it has ended. */
export async function removalIs(
  cluster: LocalCluster,
  description: string,
  wanted: (removal: Removal | undefined) => boolean,
): Promise<Removal | undefined> {
  const { found } = await eventually(
    `the removal ${description}`,
    async () => {
      const removal = await openRemoval(ledgerOf(cluster))
      return wanted(removal) ? { found: removal } : undefined
    },
    { deadline: patience, context: () => logTail(cluster.coordinator.sidecar.logFile) },
  )
  return found
}

/** A table of which every node has a copy, with one row; on the stand-in what it leaves in the catalogs. */
export async function makeReference(cluster: LocalCluster): Promise<void> {
  const { postgres } = cluster.coordinator
  if (cluster.kind === 'citus') {
    await postgres.query('create table everywhere (id int primary key)')
    await postgres.query(`select create_reference_table('everywhere')`)
    await postgres.query('insert into everywhere values (1)')
    return
  }
  for (const node of cluster.nodes)
    await node.postgres.query(`
      create table everywhere (id int primary key);
      insert into pg_dist_colocation values (9, 1, -1, 0, 0);
      insert into pg_dist_partition values ('everywhere', 'n', null, 9, 't');
      insert into pg_dist_shard values ('everywhere', 101000, 't', null, null);
      insert into pg_dist_placement (shardid, shardstate, shardlength, groupid) select 101000, 1, 0, groupid from pg_dist_node`)
}

/** Group id of a registered node. */
export async function groupOf(cluster: LocalCluster, node: LocalNode): Promise<number> {
  const [row] = await cluster.coordinator.postgres.query<{ groupid: number }>(
    'select groupid from pg_dist_node where nodeport = $1',
    [node.pgPort],
  )
  return row?.groupid ?? -1
}

/** A transaction that inserts into `settled` on a node, prepared there as if a group had begun it. */
export async function prepareFor(node: LocalNode, group: number, value: number): Promise<string> {
  const gid = `citus_${group}_4711_${value}_0`
  await node.postgres.query('create table if not exists settled (value int)')
  const session = await node.postgres.connect()
  try {
    await session.query('begin')
    await session.query('insert into settled values ($1)', [value])
    await session.query(`prepare transaction '${gid}'`)
  } finally {
    await session.end()
  }
  return gid
}

/** What has been committed of it. */
export async function settledOn(node: LocalNode): Promise<readonly number[]> {
  const rows = await node.postgres.query<{ value: number }>('select value from settled order by value')
  return rows.map(({ value }) => value)
}
