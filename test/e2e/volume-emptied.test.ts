// A worker whose volume was emptied, or replaced by that of another cluster: refused until a person accepts the loss.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { emptyVolume } from '../../deploy/local/volume.ts'
import {
  catalogsOf,
  eventuallyEqual,
  finds,
  joined,
  looksAgain,
  operations,
  quick,
  statusOf,
} from '../support/joining.ts'
import { makeTables, placementsOf, withoutShards } from '../support/tables.ts'
import { prepareNode } from '../support/volumes.ts'

suite('a worker whose volume is not its own any more', () => {
  let cluster: LocalCluster
  /** Has nothing but a copy of the reference table. */
  let spare: LocalNode
  /** Has the only place of a shard. */
  let missed: LocalNode
  before(async () => {
    cluster = await startCluster({ workers: 2, env: quick })
    await Promise.all(cluster.nodes.map(async (node) => await joined(node)))
    await makeTables(cluster, 1)
    spare = (await withoutShards(cluster)) ?? assert.fail('two workers share one shard')
    missed = cluster.workers.find((node) => node !== spare) ?? assert.fail()
  })
  after(async () => await cluster.down())

  /** What no refused node may change: the coordinator's catalogs, and what is on record. */
  const untouched = async (): Promise<unknown> => {
    const { postgres } = cluster.coordinator
    return [await operations(cluster), await catalogsOf(postgres), await placementsOf(postgres)]
  }
  const empty = async (node: LocalNode): Promise<void> => {
    await emptyVolume(node.postgres)
    await node.postgres.start()
    await prepareNode(node)
  }
  const isRefused = async (node: LocalNode): Promise<void> => {
    await finds(
      node,
      'volume-empty',
      /^the ledger knows worker-\d with system identifier \d+, this volume has \d+ and was never part of a cluster$/,
      /^bring back the right volume, or restore it; .* not the shards$/,
    )
  }
  const accept = async (node: LocalNode): Promise<void> => {
    const { code, stderr } = await node.command(['accept', '--yes'])
    assert.equal(code, 0, stderr)
    await joined(node)
  }

  test('is refused and never ready, while the coordinator has it as before', async () => {
    const known = await untouched()
    const since = Date.now()
    await empty(spare)
    await isRefused(spare)
    await spare.sidecar.restart()
    await isRefused(spare)
    await looksAgain(spare)
    assert.deepEqual(
      (await statusOf(spare)).flips.filter(({ at, verdict, ok }) => at > since && verdict === 'ready' && ok),
      [],
    )
    assert.deepEqual(await untouched(), known)
    assert.equal(await placementsOf(spare.postgres), 0)
  })

  test('is a working node again once a person has accepted that it is empty', async () => {
    const before = await operations(cluster)
    await accept(spare)
    assert.deepEqual((await operations(cluster)).slice(before.length), [`${spare.name} activate succeeded`])
    // Its copy of the reference table is forgotten: Citus makes a new one when it is needed.
    assert.equal(await placementsOf(cluster.coordinator.postgres), 1 + 2)
    await eventuallyEqual('its metadata is complete', async () => await placementsOf(spare.postgres), 1 + 2)
  })

  test('fails no write to a reference table from then on', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: queries of distributed tables')
    await cluster.coordinator.postgres.query('insert into r values (1)')
    assert.deepEqual(await spare.postgres.query('select * from r'), [{ id: 1 }])
  })

  test('has its metadata and not its data, where it had the only place of a shard', async () => {
    await empty(missed)
    await isRefused(missed)
    await accept(missed)
    await eventuallyEqual('its metadata is complete', async () => await placementsOf(missed.postgres), 1 + 2)
  })

  test('says of every lost shard that it is', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: queries of distributed tables')
    await assert.rejects(
      cluster.coordinator.postgres.query('select count(*) from d'),
      /relation "public\.d_\d+" does not exist/,
    )
  })

  test('is refused with the volume of another cluster, and with that of another group after all', async () => {
    const known = await untouched()
    await empty(spare)
    await spare.postgres.query('update pg_dist_local_group set groupid = 4711')
    await finds(
      spare,
      'volume-foreign',
      /^the ledger knows worker-\d with system identifier \d+, this volume has \d+ and belongs elsewhere$/,
      /^mount the volume of this node/,
    )
    assert.equal((await spare.command(['accept', '--yes'])).code, 0)
    await finds(
      spare,
      'group-mismatch',
      /^the coordinator has this address in group \d, this volume is that of group 4711$/,
    )
    assert.deepEqual(await untouched(), known)
  })
})
