// Backups as pgBackRest tells of them: of what it really said, of a program that fails, hangs or says something else, and of itself.
import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { findProgram } from '../../../deploy/local/find-program.ts'
import type { Row } from '../../../probes/collection.ts'
import { backupRows } from '../../../probes/host/pgbackrest.ts'
import { fileTree } from '../../support/file-trees.ts'

const soon = AbortSignal.timeout(60_000)

/** Rows of a program that is this script. */
async function rowsOf(script: string, signal = soon): Promise<readonly Row[]> {
  await using tree = await fileTree({ pgbackrest: `#!/bin/sh\n${script}\n` })
  const program = join(tree.root, 'pgbackrest')
  await chmod(program, 0o755)
  return await backupRows(program, signal)
}

/** Rows of a program that says this, and only when it is asked as it should be. */
async function rowsOfAnswer(answer: unknown): Promise<readonly Row[]> {
  return await rowsOf(`[ "$*" = 'info --output=json' ] || exit 1\ncat <<'EOF'\n${JSON.stringify(answer)}\nEOF`)
}

const ofRepository = (key: number) => ({ id: 1, 'repo-key': key })
/** As pgBackRest 2.45 says it, with two repositories. */
const main = {
  archive: [
    { database: ofRepository(1), id: '14-1', max: '0000000100000000000000FF', min: '000000010000000000000001' },
    {
      database: { id: 2, 'repo-key': 1 },
      id: '15-2',
      max: '000000010000000000000004',
      min: '000000010000000000000002',
    },
    { database: ofRepository(2), id: '15-1', max: null, min: null },
  ],
  backup: [
    {
      archive: { start: '000000010000000000000002', stop: '000000010000000000000002' },
      backrest: { format: 5, version: '2.45' },
      database: ofRepository(1),
      error: true,
      info: { delta: 23_213_841, repository: { delta: 3_062_597, size: 3_062_597 }, size: 23_213_841 },
      label: '20261126-160705F',
      lsn: { start: '0/2000028', stop: '0/2000100' },
      prior: null,
      reference: null,
      timestamp: { start: 1_795_709_225, stop: 1_795_709_228 },
      type: 'full',
    },
    {
      database: ofRepository(1),
      error: false,
      info: { delta: 8_458, repository: { delta: 430, size: 3_062_598 }, size: 23_213_842 },
      timestamp: { start: 1_795_709_229, stop: 1_795_709_231 },
      type: 'incr',
    },
    {
      database: ofRepository(2),
      error: false,
      // With block incremental backups nobody knows it.
      info: { delta: 1, repository: { delta: 430 }, size: 23_000_000 },
      timestamp: { start: 1_795_700_000, stop: 1_795_700_010 },
      type: 'full',
    },
  ],
  cipher: 'none',
  db: [{ id: 1, 'repo-key': 1, 'system-id': 7_712_512_385_657_496_000, version: '15' }],
  name: 'main',
  repo: [{ cipher: 'none', key: 1, status: { code: 0, message: 'ok' } }],
  status: { code: 0, lock: { backup: { held: false } }, message: 'ok' },
}

suite('backups', () => {
  test('are told by the last one of each type and repository', async () => {
    assert.deepEqual(await rowsOfAnswer([main]), [
      { stanza: 'main', status: 0, error: 0 },
      { stanza: 'main', type: 'full', stop: 1_795_709_228, size: 23_213_841 },
      { stanza: 'main', type: 'incr', stop: 1_795_709_231, size: 23_213_842 },
      { stanza: 'main', repository: '2', repositorySize: undefined },
      { stanza: 'main', repository: '1', repositorySize: 3_062_598 },
      {
        stanza: 'main',
        repository: '1',
        min: '000000010000000000000002',
        max: '000000010000000000000004',
        archive: 1,
      },
    ])
  })

  test('that there are none of are told by the status alone', async () => {
    const [row, ...others] = await rowsOfAnswer([{ name: 'new', status: { code: 2 }, backup: [], archive: [] }])
    assert.deepEqual(row, { stanza: 'new', status: 2, error: undefined })
    assert.deepEqual(others, [])
    assert.deepEqual(await rowsOfAnswer([]), [])
  })

  test('are unknown where the program fails, says something else, or is missing', async () => {
    await assert.rejects(
      rowsOf(`echo 'ERROR: [055]: unable to load' >&2; exit 55`),
      /^Error: pgbackrest info: ERROR: \[055\]/,
    )
    await assert.rejects(rowsOf('echo no json'), /JSON/)
    await assert.rejects(rowsOfAnswer({ name: 'main' }), /no list of stanzas/)
    await assert.rejects(backupRows('/nowhere/pgbackrest', soon), /ENOENT/)
    await assert.rejects(rowsOf('yes'), /maxBuffer/)
  })

  test('are given up at the deadline, with the program', async () => {
    const late = AbortSignal.timeout(500)
    await assert.rejects(rowsOf('exec sleep 600', late), { name: 'TimeoutError' })
  })

  const program = findProgram('pgbackrest')
  test(
    'are asked for of pgBackRest itself, which has no stanza here',
    { skip: program === undefined ? 'the program pgbackrest is not installed' : false },
    async () => {
      assert.ok(program !== undefined)
      await using tree = await fileTree({ 'repo/archive/.keep': '', conf: '' })
      const conf = `[global]\nrepo1-path=${tree.root}/repo\nlock-path=${tree.root}/lock\nlog-path=${tree.root}\n`
      await tree.add({ conf })
      assert.deepEqual(await rowsOf(`exec ${program} --config=${tree.root}/conf "$@"`), [])
    },
  )
})
