// What a load lost: failed transactions, and acknowledged writes that are not there.
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { Result } from './claim.ts'
import type { Load } from './load.ts'

export interface Losses {
  readonly transactions: number
  readonly failed: number
  readonly missingWrites: number
  readonly longestMs: number
}

/** Load before, between and after what is done to a cluster, transactions. */
const calm = 300

/** The table that a load writes to. */
export async function createLoadTable(cluster: LocalCluster): Promise<void> {
  const { postgres } = cluster.coordinator
  await postgres.query('create table load (id bigint primary key, n integer not null)')
  // The stand-in plans no query: its load stays on the coordinator.
  if (cluster.kind === 'citus') await postgres.query("select create_distributed_table('load', 'id', shard_count => 8)")
}

/** Waits until some transactions more have been done. */
export async function goesOn(load: Load): Promise<void> {
  const before = load.transactions
  await eventually('the load goes on', () => load.transactions > before + calm, { deadline: 60_000 })
}

/** Ends a load and counts what it lost. */
export async function lossesOf(cluster: LocalCluster, load: Load): Promise<Losses> {
  const { transactions, failures, written, longestMs } = await load.stop()
  for (const failure of failures.slice(0, 10)) process.stderr.write(`failed: ${failure}\n`)
  const kept = await cluster.coordinator.postgres.query<{ id: string }>('select id::text from load')
  const there = new Set(kept.map(({ id }) => Number(id)))
  const missingWrites = written.filter((id) => !there.has(id)).length
  return { transactions, failed: failures.length, missingWrites, longestMs }
}

/** Nothing may be lost. */
export function lossResults(what: string, { failed, transactions, missingWrites }: Losses): readonly Result[] {
  return [
    { what, value: `${failed} of ${transactions}`, target: '0', met: failed === 0 },
    {
      what: 'acknowledged writes that are missing',
      value: String(missingWrites),
      target: '0',
      met: missingWrites === 0,
    },
  ]
}
