// A worker with 1 GB of shards is removed while clients read and write, its sidecar and the coordinator's killed in between.
import { lastRemoval } from '../../agent/removal/removal-ledger.ts'
import type { Removal } from '../../agent/removal/removal-ledger.ts'
import { bytesText } from '../../agent/removal/amounts.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { ledgerOf } from '../support/pool-holds.ts'
import { askRemoval } from '../support/removals.ts'
import type { Claim } from './claim.ts'
import { ms } from './claim.ts'
import { Load } from './load.ts'
import { createLoadTable, goesOn, lossesOf, lossResults } from './losses.ts'

/** Rows of a little more than 1 kB, half of them on the worker that is removed. */
const rows = 2_000_000
const gigabyte = 1024 ** 3
/** A removal that takes longer has got stuck, milliseconds. */
const longest = 600_000

async function fill(cluster: LocalCluster): Promise<void> {
  const { postgres } = cluster.coordinator
  await postgres.query('create table bulk (id bigint primary key, filler text not null)')
  await postgres.query(`select create_distributed_table('bulk', 'id', shard_count => 8)`)
  const each = 100_000
  for (let from = 0; from < rows; from += each)
    await postgres.query(
      `insert into bulk select n, repeat('x', 1050) from generate_series(${from}, ${from + each - 1}) n`,
    )
}

async function removal(
  cluster: LocalCluster,
  description: string,
  wanted: (found: Removal) => boolean,
): Promise<Removal> {
  return await eventually(
    description,
    async () => {
      const found = await lastRemoval(ledgerOf(cluster), 'worker-2')
      return found !== undefined && (found.outcome !== null || wanted(found)) ? found : undefined
    },
    { deadline: longest },
  )
}

export const removing: Claim = {
  name: 'remove',
  how: 'real Citus, two workers, 8 clients with single-row writes and reads and multi-shard reads through the coordinator; the second worker removed, its sidecar and that of the coordinator killed and started again once its move had begun and once a shard had left it',
  run: async (agent) => {
    await using cluster = await startCluster({ workers: 2, agent })
    if (cluster.kind !== 'citus')
      return [{ what: 'removal', value: 'not measured: real Citus only', target: undefined, met: undefined }]
    const last = cluster.node('worker-2')
    await createLoadTable(cluster)
    await fill(cluster)
    const load = await Load.start(cluster, [cluster.coordinator.pgPort], ['write', 'read', 'count', 'write'])
    await goesOn(load)
    const begun = performance.now()
    await askRemoval(cluster, last)
    const first = await removal(cluster, 'the move begins', ({ starts }) => starts > 0)
    for (const left of [first.shards, first.shards - 1]) {
      await removal(cluster, 'the move goes on', ({ shards }) => shards <= left)
      for (const { sidecar } of [last, cluster.coordinator]) {
        await sidecar.kill()
        sidecar.start()
      }
    }
    const end = await removal(cluster, 'the removal ends', () => false)
    const tookMs = performance.now() - begun
    await goesOn(load)
    const lost = await lossesOf(cluster, load)
    const [kept] = await cluster.coordinator.postgres.query<{ count: number }>('select count(*)::int from bulk')
    const nodes = await cluster.coordinator.postgres.query('select from pg_dist_node where nodeport = $1', [
      last.pgPort,
    ])
    const bytes = end.progress?.totalBytes ?? 0
    return [
      {
        what: 'removed',
        value: `${end.outcome}, ${nodes.length} rows of it in pg_dist_node`,
        target: 'succeeded, 0 rows',
        met: end.outcome === 'succeeded' && nodes.length === 0,
      },
      { what: 'moved', value: `${bytesText(bytes)} in ${ms(tookMs)}`, target: '>= 1.0 GB', met: bytes >= gigabyte },
      ...lossResults('failed transactions', lost),
      {
        what: 'rows of the big table',
        value: `${kept?.count ?? 0} of ${rows}`,
        target: 'all',
        met: kept?.count === rows,
      },
      { what: 'longest transaction', value: ms(lost.longestMs), target: undefined, met: undefined },
    ]
  },
}
