// A PostgreSQL that cannot write because its disk is full: not ready, with that reason, until there is space again.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { complaints, joined, quick, statusOf, until } from '../support/joining.ts'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'

/** Enough to fill a megabyte with rows, or a page with versions of one row; each is one statement. */
const many = 2_000

suite('a sidecar whose PostgreSQL has a full disk', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let disk: SmallDisk | string

  before(async () => {
    cluster = await startCluster({ workers: 0, env: quick })
    node = cluster.coordinator
    disk = await mountSmallDisk(join(node.postgres.spec.folder, 'small-disk'), node.postgres.spec.user)
  })
  after(async () => {
    await node.postgres.kill()
    if (typeof disk !== 'string') await disk[Symbol.asyncDispose]()
    await cluster.down()
  })

  /** Runs a statement again and again until it fails for want of space. */
  async function untilFull(sql: string): Promise<void> {
    const session = await node.postgres.connect()
    try {
      for (let run = 0; run < many; run += 1) await session.query(sql)
      assert.fail(`"${sql}" never failed`)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== '53100') throw error
    } finally {
      await session.end()
    }
  }

  async function notReady(): Promise<void> {
    const { ready } = await until(node, 'not ready because the disk is full', (status) => !status.ready.ok)
    const failed = ready.checks.filter(({ status }) => status === 'failed')
    assert.deepEqual(
      failed.map(({ name, action }) => [name, action]),
      [['writable', 'free space or grow the volume']],
    )
    assert.match(
      failed[0]?.reason ?? '',
      /^the disk is full \(could not extend file .*No space left on device.*\[53100\]\)$/,
    )
    assert.equal((await statusOf(node)).started.ok, true)
  }

  test('is told by the error of the server', async () => {
    // Stands for the real thing where no small disk can be made: the same error on the same statement.
    await node.postgres.query(`
      create function public.full() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file "base/1": No space left on device' using errcode = 'disk_full'; end $$`)
    await node.postgres.query(
      'create trigger full_disk before update on citus_sidecar.notebook for each row execute function public.full()',
    )
    await notReady()
    await node.postgres.query('drop trigger full_disk on citus_sidecar.notebook')
    await joined(node)
  })

  test('is told when a real disk has no room left, and is ready once there is some', async (t) => {
    if (typeof disk === 'string') return t.skip(disk)
    await node.postgres.query(`create tablespace small location '${disk.path}'`)
    await node.postgres.query('alter table citus_sidecar.notebook set tablespace small')
    await node.postgres.query('create table filler (t text) tablespace small')
    await joined(node)
    // An old snapshot keeps every version of the notebook's row, so that its table has to grow.
    const reader = await node.postgres.connect()
    await reader.query('begin isolation level repeatable read')
    await reader.query('select from citus_sidecar.notebook')
    await untilFull("insert into filler select repeat('x', 1000) from generate_series(1, 7)")
    await untilFull('update citus_sidecar.notebook set beat = clock_timestamp()')
    await notReady()
    await reader.query('rollback')
    await reader.end()
    await node.postgres.query('drop table filler')
    await joined(node)
    assert.deepEqual(complaints(node), [])
  })
})
