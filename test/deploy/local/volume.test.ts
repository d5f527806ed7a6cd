// What happens to data directories: each operation on real servers, seen by identity and content.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import type { PostgresServer } from '../../../deploy/local/postgres-server.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'
import { renewSystemIdentifier } from '../../../deploy/local/system-identifier.ts'
import { cloneVolume, emptyVolume, rollBackVolume, takeSnapshot } from '../../../deploy/local/volume.ts'

async function identity(server: PostgresServer): Promise<unknown> {
  const [row] = await server.query('select system_identifier::text as id from pg_catalog.pg_control_system()')
  return row?.['id']
}

async function tables(server: PostgresServer): Promise<unknown[]> {
  const rows = await server.query("select relname from pg_catalog.pg_class where relname like 'mark%' order by 1")
  return rows.map((row) => row['relname'])
}

suite('volumes', () => {
  let cluster: LocalCluster
  let first: PostgresServer
  let second: PostgresServer
  before(async () => {
    cluster = await startCluster({ workers: 2, prepare: 'nothing', standbys: [{ of: 'worker-1' }] })
    first = cluster.node('worker-1').postgres
    second = cluster.node('worker-2').postgres
  })
  after(async () => await cluster.down())

  test('every node has an identity of its own', async () => {
    const primaries = cluster.nodes.filter(({ standbyOf }) => standbyOf === undefined)
    const ids = await Promise.all(primaries.map(({ postgres }) => identity(postgres)))
    assert.equal(new Set(ids).size, 3)
  })

  test('a standby streams from its primary and follows it', async () => {
    const standby = cluster.node('worker-1-standby').postgres
    assert.deepEqual(await standby.query('select pg_is_in_recovery() as yes'), [{ yes: true }])
    assert.equal(await identity(standby), await identity(first))
    await first.query('create table mark_streamed ()')
    await eventually('the table on the standby', async () => (await tables(standby)).includes('mark_streamed'))
    await first.query('drop table mark_streamed')
  })

  test('a snapshot brings back an older state under the same identity', async () => {
    const before = await identity(second)
    await second.query('create table mark_old ()')
    const snapshot = await takeSnapshot(second)
    await second.query('create table mark_new ()')
    await rollBackVolume(second, snapshot)
    assert.equal(second.pid, undefined)
    await second.start()
    assert.deepEqual(await tables(second), ['mark_old'])
    assert.equal(await identity(second), before)
  })

  test('a new system identifier is one that the server starts with, and nothing else changes', async () => {
    const before = await identity(second)
    await second.query('create table mark_kept ()')
    await second.stop()
    await renewSystemIdentifier(second.dataDir)
    await second.start()
    assert.notEqual(await identity(second), before)
    assert.ok((await tables(second)).includes('mark_kept'))
  })

  test('a control file that is not whole gets none', async () => {
    await second.stop()
    const path = join(second.dataDir, 'global/pg_control')
    const whole = await readFile(path)
    const broken = Buffer.from(whole)
    broken.writeUInt8(broken.readUInt8(40) ^ 1, 40)
    await writeFile(path, broken)
    await assert.rejects(renewSystemIdentifier(second.dataDir), /pg_control has no checksum that fits it$/)
    await writeFile(path, whole)
    await second.start()
  })

  test('a clone has content and identity of its source, and the source runs on', async () => {
    await first.query('create table mark_first ()')
    await cloneVolume(first, second)
    await second.start()
    assert.deepEqual(await tables(second), ['mark_first'])
    assert.equal(await identity(second), await identity(first))
    assert.notEqual(second.port, first.port)
  })

  test('an emptied volume has neither', async () => {
    await emptyVolume(second)
    await second.start()
    assert.deepEqual(await tables(second), [])
    assert.notEqual(await identity(second), await identity(first))
  })
})
