// Volumes: what statfs says, each volume once, and nothing of what is not there.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { statfs, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { volumeRows, volumes } from '../../../probes/host/volumes.ts'
import { probeContext, scriptedSql } from '../../support/scripted-sql.ts'
import { fileTree } from '../../support/file-trees.ts'

const shm = '/dev/shm'
const oneVolume = ((): string | false => {
  try {
    return statSync(shm).dev === statSync(tmpdir()).dev ? `${shm} and ${tmpdir()} are one volume` : false
  } catch {
    return `there is no ${shm}`
  }
})()

suite('a volume', () => {
  test('is told with its size and what is left', async () => {
    await using tree = await fileTree()
    const before = await statfs(tree.root)
    const [row, ...others] = await volumeRows([['data', tree.root]])
    assert.deepEqual(others, [])
    assert.equal(row?.['volume'], 'data')
    assert.equal(row['size'], before.bsize * before.blocks)
    assert.ok(Number(row['available']) <= Number(row['size']))
    assert.equal(row['files'], before.files === 0 ? undefined : before.files)
  })

  test('on which several folders lie is told once, under the first', async () => {
    await using tree = await fileTree({ 'data/pg_wal/x': '', 'log/x': '' })
    const rows = await volumeRows([
      ['data', join(tree.root, 'data')],
      ['wal', join(tree.root, 'data/pg_wal')],
      ['log', join(tree.root, 'log')],
    ])
    assert.deepEqual(
      rows.map(({ volume }) => volume),
      ['data'],
    )
  })

  test('of WAL is told where pg_wal leads to another one', { skip: oneVolume }, async () => {
    await using tree = await fileTree()
    const elsewhere = mkdtempSync(join(shm, 'wal-'))
    try {
      await symlink(elsewhere, join(tree.root, 'pg_wal'))
      const paths = { data: tree.root, log: undefined, certificates: [], pgbackrest: undefined }
      const rows = await volumes(paths).rows(probeContext(scriptedSql()), AbortSignal.timeout(5_000))
      assert.deepEqual(
        rows.map(({ volume }) => volume),
        ['data', 'wal'],
      )
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  test('that is not there is not told', async () => {
    await using tree = await fileTree({ file: 'x' })
    await symlink(join(tree.root, 'nowhere'), join(tree.root, 'pg_wal'))
    assert.deepEqual(
      await volumeRows([
        ['data', join(tree.root, 'missing')],
        ['wal', join(tree.root, 'pg_wal')],
      ]),
      [],
    )
  })
})
