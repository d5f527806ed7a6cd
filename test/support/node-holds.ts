// What tests of node holds ask again and again: a hold in the ledger, its one answer, whether a node keeps writes waiting.
import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { readHold, requestHold } from '../../agent/hold/hold-ledger.ts'
import { sqlstate } from '../../agent/errors.ts'
import type { HoldAnswer, HoldKind } from '../../agent/hold/hold-ledger.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { ledgerOf, patience } from './pool-holds.ts'

/** Opens a hold for a member. */
export async function openNodeHold(
  cluster: LocalCluster,
  seconds = 30,
  member = 'worker-1',
  kinds: readonly HoldKind[] = ['node'],
): Promise<string> {
  const id = randomUUID()
  await requestHold(ledgerOf(cluster), { id, member, kinds, seconds })
  return id
}

/** Waits until the coordinator's sidecar has said this of the hold; returns its reason. */
export async function answeredNode(
  cluster: LocalCluster,
  id: string,
  state: HoldAnswer['state'],
  deadline = patience,
): Promise<string> {
  const answer = await eventually(
    `the node hold is ${state}`,
    async () =>
      (await readHold(ledgerOf(cluster), id))?.answers.find((one) => one.kind === 'node' && one.state === state),
    { deadline, context: () => logTail(cluster.coordinator.sidecar.logFile) },
  )
  return answer.reason
}

/** The sidecars' transactions that hold writes on this server now. */
export async function holdsOn(node: LocalNode): Promise<number> {
  const [row] = await node.postgres.query<{ count: number }>(
    `select count(*)::int from pg_stat_activity where application_name = 'citus-sidecar/hold' and state = 'idle in transaction'`,
  )
  return row?.count ?? 0
}

/** Waits until this many transactions hold writes on each of these servers. */
export async function untilHolds(nodes: readonly LocalNode[], count: number, deadline = patience): Promise<void> {
  for (const node of nodes)
    await eventually(`${count} holds on ${node.name}`, async () => (await holdsOn(node)) === count, { deadline })
}

/** Writes to the first worker's shards; the stand-in plans no query, so there it is the lock that a writer takes. */
async function write(cluster: LocalCluster, session: Client, key: number): Promise<void> {
  if (cluster.kind === 'citus') await session.query('insert into written values ($1)', [key])
  else
    await session.query(
      `select lock_shard_metadata(5, array_agg(shardid)) from pg_dist_placement
        where groupid = (select groupid from pg_dist_node where nodeport = $1)`,
      [cluster.node('worker-1').pgPort],
    )
}

/** An open transaction that has written to the worker's shards, through this node; the caller ends it. */
export async function openWrite(cluster: LocalCluster, node: LocalNode, key: number): Promise<Client> {
  const session = await node.postgres.connect()
  await session.query(`set application_name = 'never-ends'`)
  await session.query('begin')
  await write(cluster, session, key)
  return session
}

/** Keys of the table `written` whose rows are kept on a worker. */
export async function keysOn(cluster: LocalCluster, worker: LocalNode): Promise<readonly number[]> {
  if (cluster.kind !== 'citus') return [0]
  const rows = await cluster.coordinator.postgres.query<{ key: number }>(
    `select key from generate_series(1, 500) key
       join pg_dist_placement p on p.shardid = get_shard_id_for_distribution_column('written', key)
       join pg_dist_node n on n.groupid = p.groupid where n.nodeport = ${worker.pgPort}`,
  )
  return rows.map(({ key }) => key)
}

/** A distributed table `written`, or on the stand-in what its workers' groups leave in the catalogs. */
export async function makeWritten(cluster: LocalCluster): Promise<void> {
  if (cluster.kind === 'citus') {
    await cluster.coordinator.postgres.query('create table written (key int)')
    await cluster.coordinator.postgres.query(`select create_distributed_table('written', 'key', shard_count => 8)`)
    return
  }
  for (const node of cluster.nodes)
    await node.postgres.query(`
      create table written (key int);
      insert into pg_dist_colocation values (7, 2, 1, 23, 0);
      insert into pg_dist_partition values ('written', 'h', 'key', 7, 'c');
      insert into pg_dist_shard
        select 'written', 102000 + groupid, 't', (groupid * 1000)::text, (groupid * 1000 + 999)::text from pg_dist_node where groupid <> 0;
      insert into pg_dist_placement (shardid, shardstate, shardlength, groupid)
        select 102000 + groupid, 1, 0, groupid from pg_dist_node where groupid <> 0`)
}

/** Whether a write to the worker's shards through this node has to wait. */
export async function writesWait(cluster: LocalCluster, node: LocalNode, key: number): Promise<boolean> {
  const session = await node.postgres.connect()
  try {
    await session.query(`set lock_timeout = '300ms'`)
    await session.query('begin')
    await write(cluster, session, key)
    return false
  } catch (error) {
    if (sqlstate(error) === '55P03') return true
    throw error
  } finally {
    await session.end()
  }
}
