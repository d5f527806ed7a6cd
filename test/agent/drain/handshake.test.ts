// The sidecar's side of the handshake: modes, foreign things in the volume, full disks, and what a restart finds.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { answerText, makeFolder, parseAnswer, parseRequest, readSmall } from '../../../agent/drain/handshake-files.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { patience, ScriptedSidecar, Volume } from '../../support/prestop.ts'
import { fillDisk, mountSmallDisk } from '../../support/small-disk.ts'

const seconds = (ms: number): number => Math.floor(ms / 1_000)

/** A request as the script writes it, asked so many seconds ago. */
function requestText(id: string, age = 0, patienceLeft = 60): string {
  const now = seconds(Date.now())
  return `${id} ${now - age} ${now + patienceLeft}\n`
}

async function started(volume: Volume): Promise<void> {
  await eventually('the sidecar has started', async () => await stat(volume.file('limits')))
}

async function ignored(sidecar: ScriptedSidecar, reason: string): Promise<void> {
  await eventually(`it reports ${reason}`, () => sidecar.reasonsOf('handshake.ignored').includes(reason), {
    context: () => JSON.stringify(sidecar.reported),
  })
}

suite('the handshake', { concurrency: 4 }, () => {
  test('writes the limits at its start and nothing else while nobody asks', async () => {
    await using volume = await Volume.make()
    await using _sidecar = new ScriptedSidecar(volume, { deadlineSeconds: 105 })
    await started(volume)
    assert.equal(await readFile(volume.file('limits'), 'utf8'), 'deadline 105 silence 10\n')
    assert.deepEqual(await readdir(volume.file('')), ['limits'])
  })

  for (const [mode, wanted] of [
    [0o777, 0o777],
    [0o2775, 0o2775],
    [0o2770, 0o2770],
    [0o700, 0o700],
    [0o1777, 0o777],
  ] as const)
    test(`makes its folder ${wanted.toString(8)} in a volume that is ${mode.toString(8)}, and its files readable`, async () => {
      await using volume = await Volume.make()
      await chmod(volume.path, mode)
      await using _sidecar = new ScriptedSidecar(volume)
      await started(volume)
      assert.equal((await stat(volume.file(''))).mode & 0o7777, wanted)
      assert.equal((await stat(volume.file('limits'))).mode & 0o7777, 0o644)
    })

  for (const [what, text] of [
    ['that nobody renews', requestText('old', 60)],
    ['from the future', requestText('early', -3_600)],
    ['that has given up', requestText('late', 0, -10)],
  ] as const)
    test(`begins nothing for a request ${what}`, async () => {
      await using volume = await Volume.make()
      await mkdir(volume.file(''))
      await writeFile(volume.file('request'), text)
      await using sidecar = new ScriptedSidecar(volume)
      await started(volume)
      assert.equal(sidecar.begun, 0)
      // It is alive: the next one is heard.
      await writeFile(volume.file('request'), requestText('new'))
      await sidecar.asked()
    })

  for (const [what, text, reason] of [
    ['garbage', '\0\u001B[2J; rm -rf /\n', 'is no request'],
    ['an empty file', '', 'is no request'],
    ['two lines', `${requestText('a')}${requestText('b')}`, 'is no request'],
    ['an endless id', requestText('x'.repeat(65)), 'is no request'],
  ] as const)
    test(`reports ${what} in place of the request once, and goes on`, async () => {
      await using volume = await Volume.make()
      await mkdir(volume.file(''))
      await writeFile(volume.file('request'), text)
      await using sidecar = new ScriptedSidecar(volume)
      await ignored(sidecar, `request: ${reason}`)
      assert.equal(sidecar.begun, 0)
      await writeFile(volume.file('request'), requestText('good'))
      await sidecar.asked()
      assert.equal(sidecar.reasonsOf('handshake.ignored').length, 1)
    })

  test('is not led away, blocked or filled by a link, a pipe, a folder or a huge file', async () => {
    await using volume = await Volume.make()
    await mkdir(volume.file(''))
    await using sidecar = new ScriptedSidecar(volume)
    await writeFile(join(volume.path, 'elsewhere'), requestText('elsewhere'))
    await symlink(join(volume.path, 'elsewhere'), volume.file('request'))
    await ignored(sidecar, 'request: is a symbolic link')
    await rm(volume.file('request'))
    assert.equal(spawnSync('mkfifo', [volume.file('request')]).status, 0)
    await ignored(sidecar, 'request: is no regular file')
    await rm(volume.file('request'))
    await writeFile(volume.file('request'), '')
    await truncate(volume.file('request'), 1_000_000_000)
    await ignored(sidecar, 'request: is 1000000000 bytes long')
    await rm(volume.file('request'))
    await mkdir(volume.file('request'))
    await eventually('it looks again', () => sidecar.reasonsOf('handshake.ignored').length >= 4)
    assert.equal(sidecar.begun, 0)
    await rm(volume.file('request'), { recursive: true })
    const script = volume.start()
    await sidecar.asked()
    sidecar.end(true)
    assert.equal(await script.code, 0, script.errors())
  })

  test('reports foreign files by a few of their names and leaves them alone', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    await started(volume)
    await writeFile(volume.file('lost\n"and found'), 'x')
    await ignored(sidecar, 'lost\n"and found: is none of ours')
    for (let number = 0; number < 300; number += 1) await writeFile(volume.file(`junk-${number}`), '')
    const script = volume.start()
    await sidecar.asked()
    sidecar.end(true)
    assert.equal(await script.code, 0, script.errors())
    assert.equal((await readdir(volume.file(''))).filter((name) => name.startsWith('junk-')).length, 300)
  })

  test('writes its answer again where somebody else wrote over it, however much that was', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    const script = volume.start()
    await sidecar.asked()
    sidecar.pass('cause')
    await eventually('the script shows it', () => script.lines.length === 1)
    for (const name of ['state', 'limits', 'beat']) {
      await writeFile(volume.file(name), `done\nasked `.repeat(100_000))
      await truncate(volume.file(name), 200_000_000)
    }
    await eventually('the answer is back', async () => (await stat(volume.file('state'))).size < 200)
    sidecar.end(false, 'the real one')
    assert.equal(await script.code, 1)
    assert.equal(script.errors(), 'citus-sidecar: the real one\n')
  })

  test('survives the removal of its folder', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    const script = volume.start()
    await sidecar.asked()
    // In one step, while both write there.
    await rename(volume.file(''), join(volume.path, 'gone'))
    await eventually('the folder is back', async () => await stat(volume.file('state')), { deadline: patience })
    sidecar.end(true)
    assert.equal(await script.code, 0, script.errors())
  })

  test('of a sidecar that starts after the end begins nothing: the request was answered', async () => {
    await using volume = await Volume.make()
    await mkdir(volume.file(''))
    const view = { id: 'drain-1', phases: [], end: { ok: true, reason: '' } }
    await writeFile(volume.file('state'), answerText(['a', 'b'], view))
    await writeFile(volume.file('request'), requestText('b'))
    await using sidecar = new ScriptedSidecar(volume, { view })
    await eventually('it beats', async () => await stat(volume.file('beat')))
    assert.equal(sidecar.begun, 0)
  })
})

suite('a full disk', () => {
  test('is reported and tried again; the script ends by its rule, and the next one works once there is space', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'handshake-full-'))
    const uid = process.getuid?.() === 0 ? { uid: 0, gid: 0, name: 'root' } : undefined
    const disk = await mountSmallDisk(join(folder, 'disk'), uid)
    try {
      if (typeof disk === 'string') return context.skip(disk)
      await using volume = await Volume.make(join(disk.path, 'volume'))
      await using sidecar = new ScriptedSidecar(volume)
      const script = volume.start()
      await sidecar.asked()
      await eventually('it beats', async () => await stat(volume.file('beat')))
      await volume.limits(60, 3)
      await fillDisk(join(disk.path, 'ballast'))
      sidecar.pass('cause', 'done', 'x'.repeat(200))
      assert.equal(await script.code, 1)
      assert.match(script.errors(), /^citus-sidecar: (?:the sidecar fell silent|nothing could be written)[^\n]*\n$/)
      assert.match(sidecar.reasonsOf('handshake.failed').join('; '), /ENOSPC/)
      await rm(join(disk.path, 'ballast'))
      const again = volume.start()
      await eventually('its phases are shown', () => again.lines.length === 1, { deadline: patience })
      sidecar.end(true)
      assert.equal(await again.code, 0, again.errors())
    } finally {
      if (typeof disk !== 'string') await disk[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    }
  })
})

suite('the texts', () => {
  test('of an answer come back as they were, with reasons of one bounded line', () => {
    const text = answerText(['a', 'b'], {
      id: 'd',
      phases: [
        { name: 'cause', state: 'done', reason: '' },
        { name: 'hold', state: 'failed', reason: `done\nfailed x\u001B[2J${'y'.repeat(1_000)}` },
        { name: 'flush', state: 'running', reason: 'not yet' },
      ],
      end: undefined,
    })
    const lines = text.split('\n')
    assert.deepEqual(lines.slice(0, 3), ['asked a b', 'drain d', 'passed cause done'])
    assert.match(lines[3] ?? '', /^passed hold failed: done failed x \[2Jy+$/)
    assert.equal(lines[3]?.length, 300)
    assert.equal(lines.length, 5)
    assert.deepEqual(parseAnswer(text), { asked: ['a', 'b'], drain: 'd', over: false })
  })

  test('of an end are done or failed, and stay within what the script reads', () => {
    const phase = { name: 'n'.repeat(500), state: 'done' as const, reason: 'r'.repeat(5_000) }
    const view = { id: 'd', phases: Array.from({ length: 1_000 }, () => phase), end: { ok: false, reason: '' } }
    const text = answerText(
      Array.from({ length: 100 }, (_, index) => `${index}-${'i'.repeat(60)}`),
      view,
    )
    assert.ok(text.length < 16_384, `${text.length} characters`)
    assert.match(text, /\nfailed no reason\n$/)
    assert.equal(parseAnswer(text)?.over, true)
    assert.equal(parseAnswer('garbage'), undefined)
    assert.equal(parseAnswer(''), undefined)
  })

  test('of a request are three words', () => {
    assert.deepEqual(parseRequest('a-1 100 200\n'), { id: 'a-1', askedAt: 100_000, givesUpAt: 200_000 })
    for (const text of ['a 1', 'a 1 2 3', 'a -1 2', '../x 1 2', 'a 1 123456789012', 'a 1 2\nb'])
      assert.equal(parseRequest(text), undefined, text)
  })

  test('are read from regular files alone', async () => {
    await using volume = await Volume.make()
    await makeFolder(volume.path, volume.file(''))
    assert.equal(await readSmall(volume.file('none')), undefined)
    await assert.rejects(readSmall(volume.path), { name: 'ForeignFile' })
  })
})
