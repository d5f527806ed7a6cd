// A node that comes back with another volume than the cluster knows is refused until a person accepts what was found.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { cloneVolume, rollBackVolume, takeSnapshot } from '../../deploy/local/volume.ts'
import { catalogsOf, finds, joined, looksAgain, operations, quick, statusOf, until } from '../support/joining.ts'
import { makeTables, placementsOf, withoutShards } from '../support/tables.ts'
import { moveOn, startOnNewTimeline } from '../support/volumes.ts'

suite('a node that comes back with another volume', () => {
  let cluster: LocalCluster
  /** A worker without any shard but that of the reference table. */
  let node: LocalNode
  let others: readonly LocalNode[]
  let known: unknown
  let own: string
  before(async () => {
    cluster = await startCluster({ workers: 3, env: quick })
    await Promise.all(cluster.nodes.map(async (one) => await joined(one)))
    await makeTables(cluster, 2)
    node = (await withoutShards(cluster)) ?? assert.fail('three workers share two shards')
    others = cluster.nodes.filter((one) => one !== node)
    known = await untouched()
  })
  after(async () => await cluster.down())

  /** What no refused node may change: the catalogs of the others, and what is on record. */
  const untouched = async (): Promise<unknown> => [
    await operations(cluster),
    ...(await Promise.all(
      others.map(async ({ postgres }) => [await catalogsOf(postgres), await placementsOf(postgres)]),
    )),
  ]
  const accept = async (): Promise<void> => {
    const { code, stderr } = await node.command(['accept', '--yes'])
    assert.equal(code, 0, stderr)
  }
  const neverReadySince = async (since: number): Promise<void> => {
    const { flips } = await statusOf(node)
    assert.deepEqual(
      flips.filter(({ at, verdict, ok }) => at > since && verdict === 'ready' && ok),
      [],
    )
  }

  test('a clone of a node that runs: refused, accepted or not', async () => {
    own = await takeSnapshot(node.postgres)
    await joined(node)
    const twin = others[1] ?? assert.fail()
    await cloneVolume(twin.postgres, node.postgres)
    const since = Date.now()
    await node.postgres.start()
    await finds(
      node,
      'volume-cloned',
      new RegExp(`^this volume is a copy of that of node ${twin.name}, on the same timeline 1$`),
      /^a copy of a node is no new node/,
    )
    const { code, stderr } = await node.command(['accept', '--yes'])
    assert.match(stderr, new RegExp(`CONTROL_REFUSED: ${twin.name} has the identity of this volume and is not lost`))
    assert.equal(code, 1)
    await looksAgain(node)
    await finds(node, 'volume-cloned', /is a copy/)
    await neverReadySince(since)
    await joined(twin)
    assert.deepEqual(await untouched(), known)
  })

  test('its own volume again: joined, and nothing to accept', async () => {
    await rollBackVolume(node.postgres, own)
    await node.postgres.start()
    await joined(node)
    assert.deepEqual(await untouched(), known)
  })

  test('an older state: refused with both positions, accepted it joins as it is', async () => {
    await moveOn(node, cluster.coordinator.postgres)
    await node.sidecar.stop()
    await rollBackVolume(node.postgres, own)
    await node.postgres.start()
    const since = Date.now()
    node.sidecar.start()
    await finds(
      node,
      'volume-rolled-back',
      /^this volume is at 0\/[0-9A-F]+, the cluster has seen it at 0\/[0-9A-F]+ on the same timeline$/,
      /^writes the cluster knows of are missing here; restore a newer state, or run `citus-sidecar accept` knowing that they are lost$/,
    )
    await looksAgain(node)
    await neverReadySince(since)
    await accept()
    await joined(node)
    assert.deepEqual(await untouched(), known)
  })

  test('a new timeline with all that is known: joined without a question', async () => {
    await node.postgres.stop()
    await startOnNewTimeline(node.postgres)
    await until(
      node,
      'is on timeline 2',
      ({ join, readings }) => join.finding === 'verified' && readings['postgres.identity']?.value?.timeline === 2,
    )
    await joined(node)
  })

  test('a lower timeline than the known one: refused, then accepted', async () => {
    await moveOn(node, cluster.coordinator.postgres)
    await rollBackVolume(node.postgres, own)
    await node.postgres.start()
    await finds(node, 'volume-rolled-back', /^this volume is on timeline 1, the cluster has seen it on 2$/)
    await accept()
    await joined(node)
  })

  test('a new timeline that branches before what is known: refused with the position, then accepted', async () => {
    await moveOn(node, cluster.coordinator.postgres)
    await rollBackVolume(node.postgres, own)
    await startOnNewTimeline(node.postgres)
    await finds(
      node,
      'volume-branched',
      /^timeline 2 of this volume branches from timeline 1 too early: the cluster has seen it at 0\/[0-9A-F]+$/,
      /^writes after the branch are missing here; if they may be lost, run `citus-sidecar accept`$/,
    )
    await accept()
    await joined(node)
    assert.deepEqual(await untouched(), known)
  })
})
