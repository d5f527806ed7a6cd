// Which Citus group a worker gets: configured, from its ordinal, or any; and what happens when two want the same.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { finds, joined, looksAgain, operations, quick, statusOf, until } from '../support/joining.ts'

suite('groups', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({
      workers: 4,
      waitReady: false,
      env: quick,
      nodeEnv: {
        'worker-1': { CITUS_SIDECAR_GROUP: '17' },
        'worker-2': { CITUS_SIDECAR_GROUP: '17' },
        'worker-3': { CITUS_SIDECAR_NODE: 'solo' },
      },
    })
  })
  after(async () => await cluster.down())

  const groupOf = async (name: string): Promise<number | undefined> => {
    const { readings } = await joined(cluster.node(name))
    return readings['citus.local']?.value?.groupId
  }

  test('come from the ordinal in the name, or from Citus where the name has none', async () => {
    assert.equal(await groupOf('worker-4'), 5)
    const any = await groupOf('worker-3')
    assert.ok(any !== undefined && ![0, 5, 17].includes(any), `group ${any}`)
  })

  test('that two workers want are given to one of them, and the other says whose it is', async () => {
    const rivals = [cluster.node('worker-1'), cluster.node('worker-2')] as const
    const [one, other] = await Promise.all(
      rivals.map(
        async (node) =>
          await until(
            node,
            'has won or lost',
            (status) => status.join.finding === 'verified' || status.finding?.code === 'group-taken',
          ),
      ),
    )
    const [winner, loser] = one?.join.finding === 'verified' ? rivals : [rivals[1], rivals[0]]
    assert.equal([one, other].filter((status) => status?.join.finding === 'verified').length, 1)
    assert.equal(await groupOf(winner.name), 17)
    const reason = new RegExp(`^group 17 is that of node \\d+ at localhost:${winner.pgPort}$`)
    await finds(loser, 'group-taken', reason, /^give this node a group of its own, or remove the other node first$/)
    const before = await operations(cluster)
    await looksAgain(loser)
    assert.deepEqual(await operations(cluster), before)
    const said = loser.sidecar.log().filter(({ event, code }) => event === 'join.refused' && code === 'group-taken')
    assert.equal(said.length, 1)
    await loser.sidecar.stop()
    loser.sidecar.start({ CITUS_SIDECAR_GROUP: '18' })
    assert.equal(await groupOf(loser.name), 18)
  })

  test('do not change: another configured group is refused, a name that gains an ordinal is not', async () => {
    const four = cluster.node('worker-4')
    await four.sidecar.stop()
    four.sidecar.start({ CITUS_SIDECAR_GROUP: '9' })
    await finds(
      four,
      'group-mismatch',
      /^group 9 is configured, but this node is registered in group 5$/,
      /^set CITUS_SIDECAR_GROUP to the group this node has/,
    )
    await four.sidecar.stop()
    four.sidecar.start({ CITUS_SIDECAR_GROUP: '5' })
    await joined(four)
    assert.equal((await statusOf(four)).finding, null)
  })
})
