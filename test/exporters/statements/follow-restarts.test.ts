// A follower that is ended between any two bytes, and one whose record is damaged: the one after it goes on exactly, or begins at the end.
import assert from 'node:assert/strict'
import { appendFile, copyFile, rename, rm, writeFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { FollowedLog, logLine } from '../../support/followed-log.ts'

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('look', 'restart', 'kill') }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('rotate', 'rename') }) },
)

suite('a follower that is started anew', () => {
  test('goes on exactly, however the bytes come and whenever it ends', async () => {
    const bytes = Buffer.from(
      Array.from({ length: 40 }, (_, index) => logLine(index, 'ä€𝄞'.repeat(index % 7))).join(''),
    )
    const expected = bytes.toString().trimEnd().split('\n')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        await using log = await FollowedLog.start({ 'log-000.json': '' })
        let [written, files] = [0, 0]
        const current = (): string => log.path(`log-${String(files).padStart(3, '0')}.json`)
        const write = async (until: number): Promise<void> => {
          await appendFile(current(), bytes.subarray(written, until))
          written = Math.min(until, bytes.length)
        }
        for (const one of steps) {
          if ('bytes' in one) await write(written + one.bytes)
          else if (one.what === 'look') await log.look()
          else if (one.what === 'restart') await log.restart()
          else if (one.what === 'kill') await log.kill()
          else {
            // The server writes whole lines into a file.
            await write(bytes.indexOf('\n', Math.max(0, written - 1)) + 1 || bytes.length)
            if (one.what === 'rename') {
              // What nobody ever saw under a name that is looked for is not found under another.
              await log.look()
              await rename(current(), `${current()}.1`)
            }
            files += 1
            await appendFile(current(), '')
          }
        }
        await write(bytes.length)
        await log.look()
        assert.deepEqual(log.numbers, [...expected.keys()])
        assert.ok(log.texts.every((line, index) => line === expected[index]))
        assert.ok(log.batches.every(({ gap }) => !gap))
      }),
      { numRuns: 60 },
    )
  })

  test('hands out again what is to be repeated where it was killed, and nothing where it ended by itself', async () => {
    // A look takes 40 s of its clock.
    await using log = await FollowedLog.start({ 'a.json': '' }, 70_000)
    const add = async (number: number): Promise<void> => {
      await appendFile(log.path('a.json'), logLine(number))
      await log.look()
    }
    for (const number of [1, 2, 3, 4, 5]) await add(number)
    await log.kill()
    await log.look()
    assert.deepEqual(log.numbers, [1, 2, 3, 4, 5, 4, 5])
    await log.restart()
    await add(6)
    assert.deepEqual(log.numbers, [1, 2, 3, 4, 5, 4, 5, 6])
  })

  test('goes on in what was rotated meanwhile', async () => {
    await using log = await FollowedLog.start({ 'a.json': logLine(1) })
    await appendFile(log.path('a.json'), logLine(2))
    await log.restart(async () => {
      await appendFile(log.path('a.json'), logLine(3))
      await rename(log.path('a.json'), log.path('a.json.1'))
      await log.write({ 'a.json': logLine(4) })
    })
    await log.look()
    assert.deepEqual(log.numbers, [2, 3, 4])
  })

  test('reads a file anew that is not the one of which it knows the inode', async () => {
    await using log = await FollowedLog.start({ 'a.json': logLine(1) })
    await appendFile(log.path('a.json'), logLine(2))
    await log.look()
    await log.restart(async () => await writeFile(log.path('a.json'), logLine(3) + logLine(4) + logLine(5)))
    await log.look()
    assert.deepEqual(log.numbers, [2, 3, 4, 5])
    assert.equal(log.batches.at(-1)?.gap, true)
  })

  for (const [what, record] of [
    ['is gone', undefined],
    ['is empty', ''],
    ['is half', '{"folder":"/'],
    ['is something else', '[1]'],
    ['has wrong types', '{"folder":"FOLDER","files":[{"inode":1},null,{"inode":"1:1","offset":-1,"beginning":""}]}'],
    ['has no files', '{"folder":"FOLDER","files":7}'],
    ['is of another folder', '{"folder":"/elsewhere","files":[]}'],
    ['knows other files', '{"folder":"FOLDER","files":[{"inode":"1:1","offset":5,"beginning":""}]}'],
  ] as const)
    test(`begins at the end where its record ${what}`, async () => {
      await using log = await FollowedLog.start({ 'a.json': logLine(1) })
      await appendFile(log.path('a.json'), logLine(2))
      await log.look()
      await log.restart(async () => {
        await rm(log.record)
        if (record !== undefined) await writeFile(log.record, record.replace('FOLDER', log.folder))
        await appendFile(log.path('a.json'), logLine(3))
      })
      await log.look()
      await appendFile(log.path('a.json'), logLine(4))
      await log.look()
      assert.deepEqual(log.numbers, [2, 4])
    })

  test('reads whole lines where its record is wrong by some bytes', async () => {
    await using log = await FollowedLog.start({ 'a.json': logLine(1) })
    await copyFile(log.record, `${log.record}.old`)
    await log.restart(async () => {
      const record = JSON.parse(await log.recorded()) as { files: { offset: number }[] }
      for (const file of record.files) file.offset -= 10
      await writeFile(log.record, JSON.stringify(record))
      await appendFile(log.path('a.json'), logLine(2))
    })
    await log.look()
    assert.deepEqual(log.numbers, [2])
  })

  test('says where its record cannot be written, and follows all the same', async () => {
    await using log = await FollowedLog.start({ 'a.json': '' })
    await rm(log.record)
    await log.tree.add({ 'log-positions.json/x': '' })
    await appendFile(log.path('a.json'), logLine(1))
    await log.look()
    assert.deepEqual(log.numbers, [1])
    assert.equal(log.figures.troubles.length, 1)
  })
})
