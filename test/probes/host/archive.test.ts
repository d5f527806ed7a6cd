// WAL that waits to be archived: counted, with the oldest, however much it is, and nothing where there is no data directory.
import assert from 'node:assert/strict'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { archiveRows } from '../../../probes/host/archive.ts'
import { fileTree } from '../../support/file-trees.ts'

const status = 'pg_wal/archive_status'
const segment = (number: number): string => `00000001000000000000${number.toString(16).toUpperCase().padStart(4, '0')}`
const soon = AbortSignal.timeout(60_000)

suite('WAL that waits to be archived', () => {
  test('is counted without what is archived, and the oldest says since when', async () => {
    const files = { [`${segment(3)}.done`]: '', [`${segment(5)}.ready`]: '', [`${segment(4)}.ready`]: '' }
    await using tree = await fileTree(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [`${status}/${name}`, text])),
    )
    await utimes(join(tree.root, status, `${segment(4)}.ready`), 1_000, 1_000)
    await utimes(join(tree.root, status, `${segment(5)}.ready`), 2_000, 2_000)
    assert.deepEqual(await archiveRows(tree.root, soon), [{ segments: 2, since: 1_000 }])
  })

  test('is nothing where all is archived', async () => {
    await using tree = await fileTree({ [`${status}/${segment(1)}.done`]: '' })
    assert.deepEqual(await archiveRows(tree.root, soon), [{ segments: 0, since: undefined }])
  })

  test('is counted also where it is thousands, without keeping anything else waiting', async () => {
    await using tree = await fileTree(
      Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`${status}/${segment(index)}.ready`, ''])),
    )
    const done = { yet: false }
    const counted = archiveRows(tree.root, soon).finally(() => (done.yet = true))
    let turns = 0
    while (!done.yet) {
      await new Promise((resolve) => setImmediate(resolve))
      turns += 1
    }
    assert.equal((await counted)[0]?.['segments'], 5_000)
    assert.ok(turns > 3, `others had ${turns} turns`)
  })

  test('is given up at the deadline', async () => {
    await using tree = await fileTree({ [`${status}/${segment(1)}.ready`]: '' })
    await assert.rejects(archiveRows(tree.root, AbortSignal.abort(new Error('over'))), /over/)
  })

  test('is unknown without a data directory', async () => {
    await using tree = await fileTree()
    assert.deepEqual(await archiveRows(tree.root, soon), [])
  })
})
