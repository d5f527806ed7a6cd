// citus-sidecar top against a control socket whose statements are what the test says.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { timeText } from '../../../agent/commands/top-table.ts'
import { top } from '../../../agent/commands/top.ts'
import type { DrainControls } from '../../../agent/http/control-drain.ts'
import { buildControl } from '../../../agent/http/control.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { ShapeWindow } from '../../../exporters/statements/shape-window.ts'
import { tellTop } from '../../../exporters/statements/tell-top.ts'
import type { TopQuery, TopReport } from '../../../exporters/statements/top-report.ts'
import type { LoggingFacts } from '../../../exporters/statements/why-unread.ts'
import { commandTo, ended, shapeOf, statementOf } from '../../support/ended-statements.ts'

const never = (): never => assert.fail('nobody asks for this')
const drain: DrainControls = { begin: never, view: never, cancel: never, plan: never }
const folderUnset: LoggingFacts = {
  wanted: true,
  folder: undefined,
  jsonlog: undefined,
  version: undefined,
  settings: {},
}

/** A sidecar's real control server, and the window that it tells of. */
class Counting implements AsyncDisposable {
  readonly folder: string
  readonly asked: TopQuery[] = []
  logging: LoggingFacts = { ...folderUnset, folder: '/log' }
  readonly window = new ShapeWindow(() => ended + 30_000)
  readonly #control = buildControl({
    status: never,
    look: never,
    accept: never,
    maintenance: never,
    drain,
    top: async (query) => {
      this.asked.push(query)
      const reader = { lines: 120, malformed: { json: 1 }, skippedBytes: 0, statements: {}, restarts: 0 }
      return await Promise.resolve(tellTop(this.window.top(query), { node: 'c-0', reader, logging: this.logging }))
    },
  })

  private constructor(folder: string) {
    this.folder = folder
  }

  static async start(): Promise<Counting> {
    const made = new Counting(await mkdtemp(join(tmpdir(), 'top-command-')))
    await made.#control.listen({ path: join(made.folder, 'control.sock') })
    return made
  }

  /** Runs the command in this process. */
  async run(args: readonly string[], role: Readonly<Record<string, string>> = { CITUS_SIDECAR_ROLE: 'standalone' }) {
    const out = { stdout: '', stderr: '' }
    const stop = new AbortController()
    const running = top.run({
      args,
      env: { ...role, CITUS_SIDECAR_RUN_DIR: this.folder },
      hostname: 'node-1',
      stdout: { write: (text: string) => (out.stdout += text) },
      stderr: { write: (text: string) => (out.stderr += text) },
      ask: undefined,
      stop: stop.signal,
    })
    if (args.includes('--watch')) {
      await eventually('it printed', () => out.stdout !== '')
      stop.abort()
    }
    return { code: await running, ...out }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control.close()
    await rm(this.folder, { recursive: true })
  }
}

/** Two shapes: one that goes to two nodes and fails once, and one with a long name. */
function fill(window: ShapeWindow): void {
  const commands = [commandTo('w-0:5432'), commandTo('w-1:5432')]
  for (let times = 0; times < 3; times += 1) window.add(statementOf(250, { commands }), shapeOf('orders'))
  window.add(statementOf(0, { failed: '23505', startEstimated: true }), shapeOf('orders'))
  window.add(statementOf(0.5), shapeOf('a_table_whose_name_is_longer_than_there_is_room_for'))
  window.add(statementOf(7, { kind: 'task' }), shapeOf('orders', ['102008', '102012']))
}

suite('citus-sidecar top', { concurrency: 4 }, () => {
  test('prints a table of a hundred columns at most: of when, of whom, and how much of the log it knows', async () => {
    await using sidecar = await Counting.start()
    fill(sidecar.window)
    const { code, stdout, stderr } = await sidecar.run([])
    assert.deepEqual([code, stderr], [0, ''])
    const lines = stdout.trimEnd().split('\n')
    assert.ok(lines.every((line) => line.length <= 100))
    assert.deepEqual(lines, [
      'statements of clients of c-0 by total time, 10:00:00 to 10:00:30 UTC (0.5 min)',
      '   TOTAL  PART   COUNT    MEAN     P95     MAX ERRORS  DIST TASKS  STATEMENT',
      '  750 ms  100%       4  250 ms  245 ms  250 ms      1   75%   1.5  SELECT orders',
      '    failed: 23505 (1)',
      '  500 us    0%       1  500 us  478 us  500 us      -     -     -  SELECT a_table_whose_name_is_lon…',
      '  751 ms  100%       5  188 ms  245 ms  250 ms      1   60%   1.2  all',
      'log: 120 lines read, 1 not understood, 0 bytes passed over',
    ])
  })

  test('asks for ten minutes by total time, of tasks on a worker', async () => {
    await using sidecar = await Counting.start()
    fill(sidecar.window)
    const worker = { CITUS_SIDECAR_ROLE: 'worker', CITUS_SIDECAR_COORDINATOR: 'c', CITUS_SIDECAR_ADDRESS: 'w-0:5432' }
    const { stdout } = await sidecar.run([], worker)
    await sidecar.run([])
    await sidecar.run(['--minutes', '60', '--by', 'p95', '--limit', '1', '--kind', 'task'])
    assert.deepEqual(sidecar.asked, [
      { minutes: 10, limit: 20, by: 'total', kind: 'task' },
      { minutes: 10, limit: 20, by: 'total', kind: 'client' },
      { minutes: 60, limit: 1, by: 'p95', kind: 'task' },
    ])
    assert.match(stdout, /^ {4}shards: 102008 \(1\), 102012 \(1\)$/m)
  })

  test('has what is beyond the limit as other', async () => {
    await using sidecar = await Counting.start()
    fill(sidecar.window)
    assert.match((await sidecar.run(['--limit', '1'])).stdout, /^ {2}500 us {4}0% .* other$/m)
  })

  test('with --json prints the report and nothing else', async () => {
    await using sidecar = await Counting.start()
    fill(sidecar.window)
    const { code, stdout, stderr } = await sidecar.run(['--json'])
    assert.deepEqual([code, stderr], [0, ''])
    const { node, shapes, all } = JSON.parse(stdout) as TopReport
    assert.deepEqual(
      [node, shapes[0]?.text, shapes[0]?.codes, all.count],
      ['c-0', 'select * from orders where a = ?', { 23_505: 1 }, 5],
    )
  })

  test('says why statements are not read and what to do, and ends with 3', async () => {
    await using sidecar = await Counting.start()
    sidecar.logging = folderUnset
    const { code, stdout, stderr } = await sidecar.run([])
    assert.deepEqual([code, stdout], [3, ''])
    assert.match(stderr, /^citus-sidecar: CITUS_SIDECAR_LOG_DIR is not set; mount .* name it there\n$/)
    const json = await sidecar.run(['--json'])
    assert.deepEqual([json.code, json.stderr], [3, ''])
    assert.match((JSON.parse(json.stdout) as TopReport).unread?.reason ?? '', /CITUS_SIDECAR_LOG_DIR/)
  })

  test('with --watch goes on until it is interrupted, a line each time as JSON', async () => {
    await using sidecar = await Counting.start()
    fill(sidecar.window)
    const { code, stdout } = await sidecar.run(['--watch', '--json'])
    assert.equal(code, 0)
    assert.equal(stdout.trimEnd().split('\n').length, 1)
  })

  for (const [args, says] of [
    [['--minutes', '0'], /^--minutes: "0" is not accepted; allowed: 1 to 60$/],
    [['--minutes', '61'], /allowed: 1 to 60$/],
    [['--limit', '1e1'], /^--limit: "1e1" is not accepted; allowed: 1 to 100$/],
    [['--by', 'rows'], /^--by: "rows" is not accepted; allowed: total, mean, p95, count, errors$/],
    [['--kind', 'internal'], /^--kind: "internal" is not accepted; allowed: client, task$/],
  ] as const)
    test(`refuses ${args.join(' ')} before it asks`, async () => {
      await using sidecar = await Counting.start()
      await assert.rejects(sidecar.run(args), { code: 'USAGE', message: says })
      assert.deepEqual(sidecar.asked, [])
    })
})

suite('the route', () => {
  for (const query of [
    '',
    'minutes=10',
    'minutes=0&limit=1&by=total&kind=client',
    'minutes=1&limit=1&by=total&kind=internal',
  ])
    test(`refuses "${query}" as the caller's mistake`, async () => {
      const app = buildControl({ status: never, look: never, accept: never, maintenance: never, drain, top: never })
      const { statusCode, body } = await app.inject(`/v1/top?${query}`)
      assert.equal(statusCode, 400)
      assert.match(body, /^\{"error":".+"\}$/)
    })
})

test('times have three digits, and the unit that makes them readable', () => {
  const times = [null, 0, 0.0123, 0.9996, 1, 24.05, 999.7, 1_234, 59_940, 1_000_000, 64_800_000]
  assert.deepEqual(times.map(timeText), [
    '-',
    '0 us',
    '12.3 us',
    '1000 us',
    '1 ms',
    '24.1 ms',
    '1000 ms',
    '1.23 s',
    '59.9 s',
    '16.7 min',
    '1080 min',
  ])
})
