// The server's log: followed from where it was when we came, through rotation, truncation, half lines, long lines, and too much of it.
import assert from 'node:assert/strict'
import { appendFile, chmod, rename, rm, symlink, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { LogCounter } from '../../../probes/host/log.ts'
import { fileTree } from '../../support/file-trees.ts'
import type { FileTree } from '../../support/file-trees.ts'

const soon = AbortSignal.timeout(60_000)
const deadlock = 'canceling the transaction since it was involved in a distributed deadlock'
const jsonOf = (severity: string, code: string, message: string): string =>
  `${JSON.stringify({ timestamp: 'now', error_severity: severity, state_code: code, message })}\n`
const line = (severity: string, message = 'x'): string => `2026-11-26 16:00:00.123 UTC [12] ${severity}:  ${message}\n`

/** What was counted, apart from what was not. */
async function counted(counter: LogCounter): Promise<Readonly<Record<string, number>>> {
  const rows = await counter.rows(soon)
  const pairs = rows.flatMap(({ severity, lines, class: code, errors, skipped, deadlocks }) => [
    [severity, lines],
    [code, errors],
    ['skipped', skipped],
    ['deadlocks', deadlocks],
  ])
  return Object.fromEntries(pairs.filter(([name, count]) => name !== undefined && Number(count) > 0))
}

async function following(files: Readonly<Record<string, string>>): Promise<FileTree & { counter: LogCounter }> {
  const tree = await fileTree(files)
  const counter = new LogCounter(tree.root)
  assert.deepEqual(await counted(counter), {})
  return { ...tree, counter }
}

suite('the log', () => {
  test('is counted from where it was, with zeros of what there may be', async () => {
    await using tree = await following({ 'a.log': line('ERROR') })
    const severities = (await tree.counter.rows(soon)).flatMap(({ severity }) => severity ?? [])
    assert.deepEqual(severities, ['LOG', 'WARNING', 'ERROR', 'FATAL', 'PANIC'])
    await appendFile(join(tree.root, 'a.log'), line('ERROR') + line('LOG') + '\tmore\n' + line('HINT'))
    assert.deepEqual(await counted(tree.counter), { ERROR: 1, LOG: 1 })
  })

  test('tells classes of errors, and deadlocks of Citus, but not those that a statement speaks of', async () => {
    await using tree = await following({ 'a.json': '' })
    await appendFile(
      join(tree.root, 'a.json'),
      [
        jsonOf('ERROR', '40P01', deadlock),
        jsonOf('FATAL', '57P01', 'terminating'),
        jsonOf('LOG', '00000', `statement: select '${deadlock}'`),
        jsonOf('WARNING', '01000', 'x'),
      ].join(''),
    )
    const expected = { ERROR: 1, FATAL: 1, LOG: 1, WARNING: 1, '40': 1, '57': 1, deadlocks: 1 }
    assert.deepEqual(await counted(tree.counter), expected)
  })

  test('counts a message once, though it is written in several formats', async () => {
    await using tree = await following({ 'a.log': '', 'a.csv': '', 'a.json': '' })
    await appendFile(join(tree.root, 'a.log'), line('ERROR'))
    await appendFile(join(tree.root, 'a.json'), jsonOf('ERROR', '42P01', 'x'))
    await symlink('a.json', join(tree.root, 'current.json'))
    assert.deepEqual(await counted(tree.counter), { ERROR: 1, '42': 1 })
  })

  test('counts a line when it is complete', async () => {
    await using tree = await following({ 'a.log': '' })
    const whole = line('ERROR')
    await appendFile(join(tree.root, 'a.log'), whole.slice(0, 20))
    assert.deepEqual(await counted(tree.counter), {})
    await appendFile(join(tree.root, 'a.log'), whole.slice(20, -1))
    assert.deepEqual(await counted(tree.counter), {})
    await appendFile(join(tree.root, 'a.log'), '\n')
    assert.deepEqual(await counted(tree.counter), { ERROR: 1 })
  })

  test('is followed into a new file, to the end of the old one and through a new name', async () => {
    await using tree = await following({ 'a.log': line('LOG') })
    await appendFile(join(tree.root, 'a.log'), line('ERROR'))
    await rename(join(tree.root, 'a.log'), join(tree.root, 'a-old.log'))
    await tree.add({ 'a.log': line('WARNING'), 'b.log': line('FATAL') })
    assert.deepEqual(await counted(tree.counter), { ERROR: 1, WARNING: 1, FATAL: 1 })
    await rm(join(tree.root, 'a-old.log'))
    assert.deepEqual(await counted(tree.counter), { ERROR: 1, WARNING: 1, FATAL: 1 })
  })

  test('begins anew in a file that was truncated, half a line apart', async () => {
    await using tree = await following({ 'a.log': 'x'.repeat(1_000) })
    await appendFile(join(tree.root, 'a.log'), 'half a line')
    await tree.counter.rows(soon)
    await truncate(join(tree.root, 'a.log'))
    await appendFile(join(tree.root, 'a.log'), line('ERROR'))
    assert.deepEqual(await counted(tree.counter), { ERROR: 1 })
  })

  test('is read a piece at a time, and what a long line says first is enough', async () => {
    await using tree = await following({ 'a.json': '' })
    const long = jsonOf('ERROR', '42P01', 'x'.repeat(3_000_000))
    await appendFile(join(tree.root, 'a.json'), long + jsonOf('LOG', '00000', 'x'))
    assert.deepEqual(await counted(tree.counter), {})
    assert.deepEqual(await counted(tree.counter), {})
    assert.deepEqual(await counted(tree.counter), { ERROR: 1, '42': 1, LOG: 1 })
  })

  test('that is far too much is passed over but for its end, which is counted', async () => {
    await using tree = await following({ 'a.log': '' })
    const filler = `${'x'.repeat(999)}\n`.repeat(20_000)
    await appendFile(join(tree.root, 'a.log'), filler + line('ERROR'))
    assert.deepEqual(await counted(tree.counter), {
      ERROR: 1,
      skipped: filler.length + line('ERROR').length - 1_048_576,
    })
  })

  test('is unknown where there is none, and begins with what there is when it comes', async () => {
    await using tree = await fileTree()
    const counter = new LogCounter(join(tree.root, 'log'))
    assert.deepEqual(await counter.rows(soon), [])
    await tree.add({ 'log/a.log': line('LOG'), 'log/notes.txt': line('ERROR'), 'log/b.log/x': '' })
    assert.deepEqual(await counted(counter), {})
    await tree.add({ 'log/c.log': line('ERROR') })
    assert.deepEqual(await counted(counter), { ERROR: 1 })
  })

  const root = process.getuid?.() === 0 ? 'root may read every file' : false
  test('that may not be read is an error, not a zero', { skip: root }, async () => {
    await using tree = await following({ 'a.log': '' })
    await appendFile(join(tree.root, 'a.log'), line('ERROR'))
    await chmod(join(tree.root, 'a.log'), 0)
    await assert.rejects(tree.counter.rows(soon), { code: 'EACCES' })
  })
})
