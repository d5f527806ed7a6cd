// What must be true after a drain, however it went: nothing is held, the ledger tells its end, the node serves, nothing is lost.
import assert from 'node:assert/strict'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { eventuallyEqual, joined, registered } from './joining.ts'
import { keysOn, makeWritten, untilHolds } from './node-holds.ts'
import { untilPaused } from './pool-holds.ts'

/** Rows that a node's clients were told are written. */
export class Acknowledged {
  readonly #cluster: LocalCluster
  readonly #key: number
  #rows = 0

  private constructor(cluster: LocalCluster, key: number) {
    this.#cluster = cluster
    this.#key = key
  }

  /** Makes the table, whose rows are kept on the first worker. */
  static async make(cluster: LocalCluster): Promise<Acknowledged> {
    await makeWritten(cluster)
    const [key = 0] = await keysOn(cluster, cluster.node('worker-1'))
    return new Acknowledged(cluster, key)
  }

  // The stand-in plans no query: there the worker itself is asked.
  get #entry(): LocalNode {
    return this.#cluster.kind === 'citus' ? this.#cluster.coordinator : this.#cluster.node('worker-1')
  }

  async write(): Promise<void> {
    await this.#entry.postgres.query('insert into written values ($1)', [this.#key])
    this.#rows += 1
  }

  async areThere(): Promise<void> {
    const [row] = await this.#entry.postgres.query<{ rows: number }>('select count(*)::int as rows from written')
    assert.equal(row?.rows, this.#rows)
  }
}

/** Waits until the node is back and checks that nothing of this drain is left anywhere. */
export async function nothingIsLeft(cluster: LocalCluster, node: LocalNode, drain: string): Promise<void> {
  await joined(node)
  const ledger = async (sql: string): Promise<unknown[]> => await cluster.coordinator.postgres.query(sql)
  await eventuallyEqual(
    'no hold is open',
    async () => await ledger(`select member from citus_sidecar.holds where released_at is null`),
    [],
  )
  await untilHolds(cluster.nodes, 0)
  for (const pooler of cluster.poolers) await untilPaused(cluster, pooler, false)
  await eventuallyEqual(
    'the ledger has its end',
    async () =>
      await ledger(
        `select phase, outcome is null as open, ended_at is null as goes from citus_sidecar.operations where id = '${drain}'`,
      ),
    [{ phase: 'back', open: false, goes: false }],
  )
  await eventuallyEqual(
    'every phase that began has ended',
    async () =>
      await ledger(
        `select phase from citus_sidecar.drain_phases where operation = '${drain}' and outcome is null and took_ms is null`,
      ),
    [],
  )
  assert.ok(
    (await registered(cluster)).some((line) => line.endsWith(`${node.host}:${node.pgPort}`)),
    'it is registered',
  )
}
