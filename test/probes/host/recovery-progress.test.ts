// Progress of crash recovery out of process titles: one startup process is told, none or two are not guessed at.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { recoveryProgress } from '../../../probes/host/recovery-progress.ts'

const file = '000000010000000000000003'

suite('the WAL file being replayed', () => {
  const root = mkdtempSync(join(tmpdir(), 'proc-test-'))
  after(() => rmSync(root, { recursive: true }))
  let count = 0

  async function progress(titles: readonly string[]): Promise<string | undefined> {
    const proc = join(root, String((count += 1)))
    mkdirSync(join(proc, 'sys'), { recursive: true })
    for (const [index, title] of titles.entries()) {
      mkdirSync(join(proc, String(index + 1)))
      writeFileSync(join(proc, String(index + 1), 'cmdline'), title)
    }
    return await recoveryProgress(proc)
  }

  const cases: readonly [string, readonly string[], string | undefined][] = [
    ['is read from the startup process', ['init', `postgres: startup recovering ${file}`], file],
    ['is read where the server has a cluster name', [`postgres: main: startup   recovering ${file}\0`], file],
    ['is unknown where nobody recovers', ['postgres: checkpointer', 'sh -c recovering'], undefined],
    [
      'is unknown where two servers recover',
      [`postgres: startup recovering ${file}`, `postgres: a: startup recovering ${file}`],
      undefined,
    ],
    ['is not taken from a program that only mentions it', [`grep postgres: startup recovering ${file}`], undefined],
  ]
  for (const [title, titles, expected] of cases) {
    test(title, async () => assert.equal(await progress(titles), expected))
  }

  test('is unknown where processes cannot be seen', async () => {
    assert.equal(await recoveryProgress(join(root, 'missing')), undefined)
  })
})
