// The log is followed through everything that becomes of its files, each line once; what is left out is told.
import assert from 'node:assert/strict'
import { appendFile, copyFile, mkdir, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { FollowedLog, logLine } from '../../support/followed-log.ts'

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => logLine(from + index)).join('')

suite('the followed log', () => {
  test('is read from its end on at first, and begins with a whole line', async () => {
    await using log = await FollowedLog.start({ 'a.json': lines(1, 2) + logLine(3).slice(0, 50) })
    await appendFile(log.path('a.json'), logLine(3).slice(50) + lines(4, 5))
    await log.look()
    assert.deepEqual(log.numbers, [4, 5])
  })

  test('is read where the server made it after we came', async () => {
    await using log = await FollowedLog.start()
    await log.write({ 'a.json': lines(1, 2), 'a.log': 'LOG:  x\n' })
    await log.look()
    assert.deepEqual(log.numbers, [1, 2])
  })

  test('is read line by line, and a line when it is complete', async () => {
    await using log = await FollowedLog.start({ 'a.json': '' })
    for (const byte of Buffer.from(lines(1, 2))) {
      await appendFile(log.path('a.json'), Buffer.of(byte))
      if (byte === 0x0a || byte === 0x22) await log.look()
    }
    assert.deepEqual(log.numbers, [1, 2])
    assert.equal(log.figures.lines, 2)
    assert.equal(log.figures.bytes, lines(1, 2).length)
  })

  test('is read to the end of the old file before the new one', async () => {
    await using log = await FollowedLog.start({ 'b.json': lines(1, 1) })
    await appendFile(log.path('b.json'), lines(2, 3_000))
    await log.write({ 'a.json': lines(3_001, 3_001) })
    await appendFile(log.path('a.json'), lines(3_002, 3_003))
    await log.look()
    assert.deepEqual(
      log.numbers,
      Array.from({ length: 3_002 }, (_, index) => index + 2),
    )
    assert.ok(log.batches.every(({ gap }) => !gap))
  })

  test('is read through a new name, even one that is not looked for, and through its deletion', async () => {
    await using log = await FollowedLog.start({ 'a.json': lines(1, 1) })
    await rename(log.path('a.json'), log.path('a.json.1'))
    await appendFile(log.path('a.json.1'), lines(2, 2))
    await log.look()
    await appendFile(log.path('a.json.1'), lines(3, 3))
    await rm(log.path('a.json.1'))
    await log.write({ 'a.json': lines(4, 4) })
    await log.look()
    assert.deepEqual(log.numbers, [2, 3, 4])
    await log.look()
    await log.look()
    const held = await readdir('/proc/self/fd').catch(() => [])
    assert.ok(held.length < 60, 'what was deleted is let go of')
  })

  test('is read after it was truncated, also when it has grown beyond where it was', async () => {
    await using log = await FollowedLog.start({ 'a.json': lines(1, 1) })
    await appendFile(log.path('a.json'), lines(2, 2) + logLine(3).slice(0, 60))
    await log.look()
    await truncate(log.path('a.json'))
    await appendFile(log.path('a.json'), lines(4, 4))
    await log.look()
    await writeFile(log.path('a.json'), lines(5, 50))
    await log.look()
    assert.deepEqual(log.numbers, [2, 4, ...Array.from({ length: 46 }, (_, index) => index + 5)])
    assert.deepEqual(
      log.batches.map(({ gap }) => gap),
      [false, true, true],
    )
  })

  test('is read once where it is copied before it is truncated, and what only the copy has is read there', async () => {
    await using log = await FollowedLog.start({ 'a.json': lines(1, 1) })
    await appendFile(log.path('a.json'), lines(2, 4))
    await log.look()
    await appendFile(log.path('a.json'), lines(5, 5))
    await log.write({ 'a-1.json': lines(1, 2) })
    await copyFile(log.path('a.json'), log.path('a-1.json'))
    await truncate(log.path('a.json'))
    await appendFile(log.path('a.json'), lines(6, 6))
    await log.look()
    assert.deepEqual(log.numbers, [2, 3, 4, 5, 6])
  })

  test('is read once where the copy is seen while it is made', async () => {
    await using log = await FollowedLog.start({ 'a.json': lines(1, 1) })
    await appendFile(log.path('a.json'), lines(2, 4))
    await log.look()
    const whole = lines(1, 4)
    for (const length of [0, 100, 200, 300, whole.length]) {
      await writeFile(log.path('a-1.json'), whole.slice(0, length))
      await log.look()
    }
    assert.deepEqual(log.numbers, [2, 3, 4])
  })

  test('has lines that are too long cut, and what is behind them whole', async () => {
    await using log = await FollowedLog.start({ 'a.json': '' })
    const long = logLine(1, 'x'.repeat(5_000_000))
    await appendFile(log.path('a.json'), long + logLine(2, 'y'.repeat(900_000)) + lines(3, 3))
    await log.look()
    assert.deepEqual(log.numbers, [1, 2, 3])
    const [cut, whole] = log.batches.flatMap(({ lines: all }) => all)
    assert.ok(typeof cut === 'object' && typeof whole === 'string')
    assert.ok(long.startsWith(cut.head) && long.endsWith(`${cut.tail}\n`))
    assert.equal(cut.head.length + cut.tail.length, 131_072)
  })

  test('is passed over where it is too much, in whole lines, and the end of it is read', async () => {
    await using log = await FollowedLog.start({ 'a.json': '' })
    const [old, current] = [logLine(1, 'x'.repeat(1_000_000)), logLine(2, 'y'.repeat(1_000))]
    await appendFile(log.path('a.json'), old.repeat(50))
    await log.write({ 'b.json': current.repeat(20_000) })
    await log.look()
    const kept = log.numbers
    assert.ok(kept.length > 900 && kept.length < 1_000 && kept.every((number) => number === 2))
    assert.equal(log.figures.droppedBytes, old.length * 50 + current.length * 20_000 - 1_048_576)
    assert.equal(log.figures.behindBytes, 0)
    assert.equal(log.batches[0]?.gap, true)
    await log.restart()
    await appendFile(log.path('b.json'), lines(3, 3))
    await log.look()
    assert.deepEqual(log.numbers.slice(kept.length), [3])
    assert.equal(log.figures.droppedBytes, 0)
  })

  test('waits for a folder, says that it is not there, and goes on when it returns', async () => {
    await using log = await FollowedLog.start({ 'a.json': lines(1, 1) })
    await rename(log.folder, `${log.folder}-away`)
    await log.look()
    assert.deepEqual(log.figures.troubles, [`${log.folder} cannot be read`])
    await writeFile(log.folder, '')
    await log.look()
    assert.deepEqual(log.figures.troubles, [`${log.folder} cannot be read`])
    await rm(log.folder)
    await rename(`${log.folder}-away`, log.folder)
    await appendFile(log.path('a.json'), lines(2, 2))
    await log.look()
    assert.deepEqual(log.numbers, [2])
    assert.deepEqual(log.figures.troubles, [])
  })

  test('is read though there are folders, links to nothing and to the same among its files', async () => {
    await using log = await FollowedLog.start({ 'a.json': '' })
    await mkdir(log.path('b.json'))
    await symlink('nothing.json', log.path('c.json'))
    await symlink('a.json', log.path('current.json'))
    await appendFile(log.path('a.json'), lines(1, 1))
    await log.look()
    assert.deepEqual(log.numbers, [1])
    assert.deepEqual(log.figures.troubles, [])
  })

  test('waits for who takes the lines, and goes on with those that were not taken', async () => {
    await using log = await FollowedLog.start({ 'a.json': lines(1, 1) })
    await appendFile(log.path('a.json'), lines(2, 2))
    await assert.rejects(log.refuse(), /not now/)
    await log.restart()
    await log.look()
    assert.deepEqual(log.numbers, [2])
  })
})
