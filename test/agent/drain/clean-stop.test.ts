// What a data directory says of how its server stopped.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { describeStop, readStop } from '../../../agent/drain/clean-stop.ts'
import { type LoneServer, startPostgres } from '../../../deploy/local/lone-server.ts'

suite('a data directory', () => {
  let lone: LoneServer
  let dataDir: string
  before(async () => {
    lone = await startPostgres({ settings: { archive_mode: 'on', archive_command: 'false' } })
    dataDir = lone.postgres.dataDir
  })
  after(async () => await lone.down())

  test('is not clean while its server runs, and counts the WAL that waits to be archived', async () => {
    assert.deepEqual(await readStop(dataDir), { clean: false, unarchived: 0 })
    await lone.postgres.query('create table some_wal (n integer)')
    await lone.postgres.query('select pg_switch_wal()')
    assert.deepEqual(await readStop(dataDir), { clean: false, unarchived: 1 })
  })

  test('is clean after a fast stop', async () => {
    await lone.postgres.stop('fast')
    assert.equal((await readStop(dataDir)).clean, true)
  })

  test('is not clean after a kill', async () => {
    await lone.postgres.start()
    await lone.postgres.kill()
    assert.equal((await readStop(dataDir)).clean, false)
  })

  test('that cannot be read, or is none, is said to be so', async () => {
    const nowhere = join(dataDir, 'nowhere')
    assert.match(JSON.stringify(await describeStop(nowhere)), /unreadable.*ENOENT/)
    await mkdir(join(nowhere, 'global'), { recursive: true })
    await writeFile(join(nowhere, 'global', 'pg_control'), 'short')
    assert.deepEqual(await describeStop(nowhere), { unreadable: 'pg_control has only 5 bytes' })
  })
})
