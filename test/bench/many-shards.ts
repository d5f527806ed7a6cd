// A worker with very many shards, as fast as Citus makes them.
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'

/** Makes that many tables with so many shards each, all on the cluster's workers, with rows and statistics in some of them. */
export async function makeShards({ coordinator }: LocalCluster, tables: number, shards: number): Promise<void> {
  const session = await coordinator.postgres.connect()
  try {
    await session.query(`set citus.shard_count = ${shards}; set citus.multi_shard_modify_mode = 'sequential'`)
    for (let table = 1; table <= tables; table += 1) {
      const name = `t${String(table).padStart(5, '0')}`
      await session.query(`create table ${name} (id bigint primary key, note text)`)
      await session.query(
        `select create_distributed_table('${name}', 'id', colocate_with => '${table === 1 ? 'none' : 't00001'}')`,
      )
      if (table % 10 === 1) {
        await session.query(`insert into ${name} select g, 'x' from generate_series(1, 200) g`)
        await session.query(`analyze ${name}`)
      }
    }
  } finally {
    await session.end()
  }
}
