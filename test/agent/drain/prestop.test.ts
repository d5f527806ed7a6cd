// The preStop script and the sidecar's side of it: phases shown, exit codes, and everybody who may die on the way.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { installPrestop, prestopScript } from '../../../agent/drain/prestop-script.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { patience, ScriptedSidecar, shells, Volume } from '../../support/prestop.ts'

/** Waits until the script has printed so many lines. */
async function printed(script: { readonly lines: readonly string[] }, count: number): Promise<void> {
  await eventually(`the script printed ${count} lines`, () => script.lines.length >= count, {
    deadline: patience,
    context: () => script.lines.join('\n'),
  })
}

const said = (script: { errors(): string }): string => script.errors().replace(/\n$/, '')

suite('the preStop script', { concurrency: 4 }, () => {
  for (const shell of [[], ...shells]) {
    const name = shell.join(' ') || 'the system’s sh'

    test(`with ${name} prints the phases as they pass and ends with 0 when all is done`, async () => {
      await using volume = await Volume.make()
      await using sidecar = new ScriptedSidecar(volume)
      const script = volume.start(shell)
      await sidecar.asked()
      sidecar.pass('cause', 'done', 'pod-deletion')
      await printed(script, 1)
      sidecar.pass('hold', 'skipped', 'the pod is not coming back')
      sidecar.pass('drain', 'done', '$(touch /x) `id` * "quoted" \\ and\nmore')
      await printed(script, 3)
      sidecar.end(true)
      assert.equal(await script.code, 0, said(script))
      assert.deepEqual(script.lines, [
        'citus-sidecar: cause done: pod-deletion',
        'citus-sidecar: hold skipped: the pod is not coming back',
        'citus-sidecar: drain done: $(touch /x) `id` * "quoted" \\ and more',
        'citus-sidecar: done, PostgreSQL may be stopped',
      ])
      assert.equal(script.errors(), '')
      await assert.rejects(stat(volume.file('request')), { code: 'ENOENT' })
    })

    test(`with ${name} ends with 1 and one line why when something was left undone`, async () => {
      await using volume = await Volume.make()
      await using sidecar = new ScriptedSidecar(volume)
      const script = volume.start(shell)
      await sidecar.asked()
      sidecar.pass('prepare', 'failed', 'the archiver fails')
      sidecar.end(false, 'prepare: the archiver\nfails')
      assert.equal(await script.code, 1)
      assert.equal(said(script), 'citus-sidecar: prepare: the archiver fails')
      assert.deepEqual(script.lines, ['citus-sidecar: prepare failed: the archiver fails'])
    })

    test(`with ${name} ends by itself with 1 and one line why where no sidecar runs`, async () => {
      await using volume = await Volume.make()
      await new ScriptedSidecar(volume)[Symbol.asyncDispose]()
      await volume.limits(60, 2)
      const script = volume.start(shell)
      assert.equal(await script.code, 1)
      assert.match(said(script), /^citus-sidecar: the sidecar gave no answer for 2 s: it does not run; [^\n]*$/)
      await assert.rejects(stat(volume.file('request')), { code: 'ENOENT' })
    })

    test(`with ${name} ends by itself with 1 and one line why when the sidecar stops to answer`, async () => {
      await using volume = await Volume.make()
      const sidecar = new ScriptedSidecar(volume)
      const script = volume.start(shell)
      await sidecar.asked()
      sidecar.pass('cause')
      await printed(script, 1)
      await eventually('the sidecar gave a sign of life', async () => await stat(volume.file('beat')))
      await sidecar[Symbol.asyncDispose]()
      await volume.limits(60, 2)
      assert.equal(await script.code, 1)
      assert.match(said(script), /^citus-sidecar: the sidecar fell silent for 2 s: it is dead or frozen; [^\n]*$/)
    })

    test(`with ${name} ends at the deadline of the sidecar, though that lives`, async () => {
      await using volume = await Volume.make()
      await using sidecar = new ScriptedSidecar(volume, { deadlineSeconds: 8 })
      const script = volume.start(shell)
      await sidecar.asked()
      sidecar.pass('cause', 'done', 'pod-deletion')
      assert.equal(await script.code, 1)
      assert.equal(
        said(script),
        'citus-sidecar: not done within 8 s; the last phase that passed: cause done: pod-deletion',
      )
    })
  }

  test('needs nothing that busybox does not have', async (context) => {
    if (!shells.some(([program]) => program === 'busybox')) return context.skip('busybox is not installed')
    await using volume = await Volume.make()
    const bin = join(volume.path, 'bin')
    await mkdir(bin)
    assert.equal(spawnSync('busybox', ['--install', '-s', bin]).status, 0)
    await using sidecar = new ScriptedSidecar(volume)
    const script = volume.start([join(bin, 'sh')], { path: bin })
    await sidecar.asked()
    sidecar.pass('cause')
    await printed(script, 1)
    sidecar.end(true)
    assert.equal(await script.code, 0, said(script))
    assert.equal(script.errors(), '')
  })

  test('works without a pipe, by looking every second', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    await eventually('the sidecar has started', async () => await stat(volume.file('limits')))
    await writeFile(volume.file('wake'), 'no pipe')
    const script = volume.start()
    await sidecar.asked()
    sidecar.end(true)
    assert.equal(await script.code, 0, said(script))
    assert.equal(await readFile(volume.file('wake'), 'utf8'), 'no pipe')
  })

  test('waits for a sidecar that comes later', async () => {
    await using volume = await Volume.make()
    const script = volume.start()
    await using sidecar = new ScriptedSidecar(volume)
    await sidecar.asked()
    sidecar.end(true)
    assert.equal(await script.code, 0, said(script))
  })

  test('called twice at once asks for one drain, and both end with it', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    const scripts = [volume.start(), volume.start()] as const
    await sidecar.asked()
    sidecar.pass('cause')
    for (const script of scripts) await printed(script, 1)
    sidecar.end(true)
    for (const script of scripts) assert.equal(await script.code, 0, said(script))
  })

  test('killed and called again joins the drain and replays its phases', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    const first = volume.start()
    await sidecar.asked()
    sidecar.pass('cause')
    await printed(first, 1)
    const id = (await readFile(volume.file('request'), 'utf8')).split(' ')[0]
    first.kill('SIGKILL')
    assert.equal(await first.code, null)
    const second = volume.start()
    await printed(second, 1)
    assert.equal((await readFile(volume.file('request'), 'utf8')).split(' ')[0], id)
    assert.equal(sidecar.begun, 1)
    sidecar.end(true)
    assert.equal(await second.code, 0, said(second))
    assert.deepEqual(second.lines[0], 'citus-sidecar: cause done')
  })

  test('terminated takes its request along, so that nothing is begun for nobody', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    const script = volume.start()
    await sidecar.asked()
    script.kill('SIGTERM')
    assert.equal(await script.code, 1)
    await assert.rejects(stat(volume.file('request')), { code: 'ENOENT' })
  })

  test('goes on with a restarted sidecar, which joins its drain by the files', async () => {
    await using volume = await Volume.make()
    const first = new ScriptedSidecar(volume)
    const script = volume.start()
    await first.asked()
    first.pass('cause')
    await printed(script, 1)
    await first[Symbol.asyncDispose]()
    await using second = new ScriptedSidecar(volume, { view: first.view })
    await second.asked()
    second.pass('prepare')
    await printed(script, 2)
    second.end(true)
    assert.equal(await script.code, 0, said(script))
    assert.equal(second.begun, 1)
    assert.deepEqual(script.lines.slice(0, 2), ['citus-sidecar: cause done', 'citus-sidecar: prepare done'])
  })

  test('asks anew for the next stop: what was answered before is no answer', async () => {
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    const first = volume.start()
    await sidecar.asked()
    sidecar.end(true)
    assert.equal(await first.code, 0, said(first))
    sidecar.view = undefined
    const second = volume.start()
    await sidecar.asked(2)
    sidecar.end(false, 'the second is another')
    assert.equal(await second.code, 1)
    assert.equal(said(second), 'citus-sidecar: the second is another')
  })

  test('works for another user than the sidecar’s where the volume is open to both', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root can start it as somebody else')
    await using volume = await Volume.make()
    await using sidecar = new ScriptedSidecar(volume)
    for (const uid of [12_345, 23_456]) {
      const script = volume.start([], { uid, gid: uid })
      await sidecar.asked(uid === 12_345 ? 1 : 2)
      sidecar.end(true)
      assert.equal(await script.code, 0, said(script))
      sidecar.view = undefined
    }
  })

  test('says so where the sidecar never started', async () => {
    await using volume = await Volume.make()
    const script = volume.start()
    assert.equal(await script.code, 1)
    assert.match(said(script), /^citus-sidecar: [^\n]*handshake is missing: no sidecar has started here$/)
  })
})

suite('installing the script', () => {
  test('makes a program of it that everybody may run, over whatever was there', async () => {
    await using volume = await Volume.make()
    await writeFile(join(volume.path, 'prestop'), 'old')
    await writeFile(join(volume.path, 'prestop.new'), 'left over')
    await installPrestop(volume.path)
    const path = join(volume.path, 'prestop')
    assert.equal((await stat(path)).mode & 0o7777, 0o755)
    assert.equal(await readFile(path, 'utf8'), prestopScript)
    await assert.rejects(stat(`${path}.new`), { code: 'ENOENT' })
  })

  test('fails with the reason where the volume cannot be written', async () => {
    await using volume = await Volume.make()
    await rm(join(volume.path, 'prestop'))
    await assert.rejects(installPrestop(join(volume.path, 'missing', '\0')))
    await writeFile(join(volume.path, 'file'), '')
    await assert.rejects(installPrestop(join(volume.path, 'file')), { code: 'EEXIST' })
  })
})
