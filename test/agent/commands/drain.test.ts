// citus-sidecar drain against a control socket whose drain is what the test says.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import Fastify from 'fastify'
import { drain, planText } from '../../../agent/commands/drain.ts'
import { DrainProgress } from '../../../agent/commands/drain-progress.ts'
import type { DrainPlan, DrainView, PhaseView } from '../../../agent/drain/view.ts'
import { drainRoutes } from '../../../agent/http/control-drain.ts'
import { eventually } from '../../../deploy/local/eventually.ts'

const plan: DrainPlan = {
  graceSeconds: 60,
  graceFrom: 'setting',
  reserveSeconds: 15,
  phases: [
    { name: 'prepare', budgetMs: 22_500, etaMs: 1_200, from: 'estimated', because: 'at most 70.3 MB to write' },
    { name: 'hold', budgetMs: 9_000, etaMs: null, from: null, because: '' },
  ],
  etaMs: 1_200,
  graceTooShort: true,
  warnings: ['the last checkpoint took longer than the budget of prepare'],
}
const phase = (name: string, state: PhaseView['state'], reason = ''): PhaseView => ({ name, state, reason })

/** A sidecar's socket in a folder of its own. */
class Scripted implements AsyncDisposable {
  readonly folder: string
  begun = 0
  view: DrainView | undefined
  onBegin: DrainView = { id: 'd', phases: [], end: undefined }
  #app = Fastify()

  constructor(folder: string) {
    this.folder = folder
  }

  static async start(): Promise<Scripted> {
    const made = new Scripted(await mkdtemp(join(tmpdir(), 'drain-command-')))
    await made.listen()
    return made
  }

  async listen(): Promise<void> {
    this.#app = Fastify({ forceCloseConnections: true })
    drainRoutes(this.#app, {
      begin: async () => {
        this.begun += 1
        this.view ??= this.onBegin
        return await Promise.resolve(this.view)
      },
      view: () => this.view,
      cancel: () => this.view,
      plan: async () => await Promise.resolve(plan),
    })
    await this.#app.listen({ path: join(this.folder, 'control.sock') })
  }

  async away(): Promise<void> {
    await this.#app.close()
  }

  /** Runs the command in this process. */
  run(args: readonly string[], stop = new AbortController().signal) {
    const out = { stdout: '', stderr: '' }
    const code = drain.run({
      args,
      env: { CITUS_SIDECAR_ROLE: 'standalone', CITUS_SIDECAR_RUN_DIR: this.folder },
      hostname: 'node-1',
      stdout: { write: (text: string) => (out.stdout += text) },
      stderr: { write: (text: string) => (out.stderr += text) },
      ask: undefined,
      stop,
    })
    return { code, out }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close()
    await rm(this.folder, { recursive: true })
  }
}

suite('citus-sidecar drain', { concurrency: 4 }, () => {
  test('prints a line for each phase as it ends, and ends with 0', async () => {
    await using sidecar = await Scripted.start()
    const { code, out } = sidecar.run([])
    await eventually('it began', () => sidecar.begun === 1)
    sidecar.view = {
      id: 'd',
      phases: [phase('cause', 'done', 'pod-deletion'), phase('hold', 'running')],
      end: undefined,
    }
    await eventually('the first is shown', () => out.stdout !== '')
    assert.equal(out.stdout, 'cause     ok        pod-deletion\n')
    const phases = [phase('cause', 'done', 'pod-deletion'), phase('hold', 'skipped', 'not here'), phase('keep', 'done')]
    sidecar.view = { id: 'd', phases, end: { ok: true, reason: '' } }
    assert.equal(await code, 0)
    assert.deepEqual(out, {
      stdout:
        'cause     ok        pod-deletion\nhold      left out  not here\nkeep      ok\ndone, PostgreSQL may be stopped\n',
      stderr: '',
    })
  })

  test('ends with 1 and the reason when something was left undone', async () => {
    await using sidecar = await Scripted.start()
    sidecar.onBegin = {
      id: 'd',
      phases: [phase('flush', 'failed', 'no standby')],
      end: { ok: false, reason: 'flush: no standby' },
    }
    const { code, out } = sidecar.run([])
    assert.equal(await code, 1)
    assert.deepEqual(out, { stdout: 'flush     UNDONE    no standby\n', stderr: 'citus-sidecar: flush: no standby\n' })
  })

  test('with --json prints the outcome and nothing else', async () => {
    await using sidecar = await Scripted.start()
    sidecar.onBegin = { id: 'd', phases: [phase('cause', 'done')], end: { ok: true, reason: '' } }
    const { code, out } = sidecar.run(['--json'])
    assert.equal(await code, 0)
    assert.deepEqual(JSON.parse(out.stdout), sidecar.onBegin)
  })

  test('goes on with a sidecar that was restarted, and asks one that forgot again', async () => {
    await using sidecar = await Scripted.start()
    const { code, out } = sidecar.run([])
    await eventually('it began', () => sidecar.begun === 1)
    await sidecar.away()
    sidecar.view = undefined
    await sidecar.listen()
    await eventually('it asked again', () => sidecar.begun === 2)
    sidecar.view = { id: 'd', phases: [], end: { ok: true, reason: '' } }
    assert.equal(await code, 0, out.stderr)
  })

  test('says so when another drain took the place of its own', async () => {
    await using sidecar = await Scripted.start()
    const { code, out } = sidecar.run([])
    await eventually('it began', () => sidecar.begun === 1)
    sidecar.view = { id: 'e', phases: [], end: undefined }
    assert.equal(await code, 1)
    assert.match(out.stderr, /another drain runs/)
  })

  test('interrupted leaves the drain going, and says how to end it', async () => {
    await using sidecar = await Scripted.start()
    const stop = new AbortController()
    const { code, out } = sidecar.run([], stop.signal)
    await eventually('it began', () => sidecar.begun === 1)
    stop.abort()
    assert.equal(await code, 1)
    assert.match(out.stderr, /the drain goes on; .*--cancel/)
  })

  test('--cancel brings the node back, and fails where no drain is going on', async () => {
    await using sidecar = await Scripted.start()
    await assert.rejects(sidecar.run(['--cancel']).code, { code: 'CONTROL_REFUSED', message: 'no drain is going on' })
    sidecar.view = { id: 'd', phases: [], end: { ok: false, reason: 'cancelled by a person' } }
    const { code, out } = sidecar.run(['--cancel'])
    assert.deepEqual([await code, out.stdout], [0, 'cancelled: node-1 comes back\n'])
  })

  test('--plan prints phases, budgets and warnings, and begins nothing', async () => {
    await using sidecar = await Scripted.start()
    const { code, out } = sidecar.run(['--plan'])
    assert.deepEqual([await code, out.stdout], [0, planText(plan)])
    const json = sidecar.run(['--plan', '--json'])
    assert.equal(await json.code, 0)
    assert.deepEqual(JSON.parse(json.out.stdout), plan)
    assert.equal(sidecar.begun, 0)
  })

  test('takes --plan or --cancel, not both', async () => {
    await using sidecar = await Scripted.start()
    await assert.rejects(sidecar.run(['--plan', '--cancel']).code, { code: 'USAGE' })
  })
})

test('the plan as a table says what is not known', () => {
  assert.equal(
    planText(plan),
    [
      'PHASE     BUDGET    NOW',
      'prepare   22.5 s    1.2 s     estimated: at most 70.3 MB to write',
      'hold      9.0 s     unknown',
      "about 1.2 s in all; grace period 60 s by CITUS_SIDECAR_GRACE_PERIOD, of which 15 s are left to PostgreSQL's own stop",
      'warning: the last checkpoint took longer than the budget of prepare',
      '',
    ].join('\n'),
  )
})

test('on a terminal the phase that runs is the last line, with its seconds', () => {
  let [now, text] = [0, '']
  const out = { isTTY: true, write: (part: string) => (text += part) }
  const progress = new DrainProgress(out, () => now)
  const erase = '\r\u001B[2K'
  progress.show({ id: 'd', phases: [phase('hold', 'running')], end: undefined })
  now = 2_500
  progress.show({ id: 'd', phases: [phase('hold', 'running')], end: undefined })
  progress.show({ id: 'd', phases: [phase('hold', 'done', 'held')], end: undefined })
  progress.finish()
  assert.equal(text, `hold      runs      0 s${erase}hold      runs      2 s${erase}hold      ok        held\n`)
})
