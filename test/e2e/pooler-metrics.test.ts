// What a sidecar tells of its PgBouncer is what the admin console says, and whether it is up.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalPooler } from '../../deploy/local/local-pooler.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { assertTellsConsole, told } from '../support/console-figures.ts'
import { quick } from '../support/joining.ts'
import { patience, withoutPgBouncer } from '../support/pool-holds.ts'

suite('metrics of a pooler', { skip: withoutPgBouncer }, () => {
  let cluster: LocalCluster
  let pooler: LocalPooler
  before(async () => {
    cluster = await startCluster({ workers: 0, poolers: 1, env: quick })
    pooler = cluster.pooler('pooler-1')
  })
  after(async () => await cluster.down())

  const up = async (): Promise<number | undefined> => await told(pooler.sidecar, 'pgbouncer_up')

  test('are what the console says', async () => await assertTellsConsole(cluster, pooler, pooler.sidecar))

  test('say that it is gone, and that it is back', async () => {
    assert.equal(await up(), 1)
    await pooler.pgbouncer.stop()
    await eventually('it is gone', async () => (await up()) === 0, { deadline: patience })
    assert.equal(await told(pooler.sidecar, 'pgbouncer_version_info'), undefined)
    await pooler.pgbouncer.start()
    await eventually('it is back', async () => (await up()) === 1, { deadline: patience })
  })
})
