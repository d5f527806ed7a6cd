// `npm run cluster` as people and programs use it: real processes, its output, its exit codes, and nothing left.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { eventually } from '../../../deploy/local/eventually.ts'
import { openCluster } from '../../../deploy/local/local-cluster.ts'
import { listProcesses, readProcess } from '../../../deploy/local/process-table.ts'

const ENTRY = fileURLToPath(new URL('../../../deploy/local/cluster.ts', import.meta.url))
const parent = mkdtempSync(join(tmpdir(), 'cluster-test-'))
// Servers live in a folder that their user can enter; the first test takes one that it cannot.
chmodSync(parent, 0o755)
after(() => rmSync(parent, { recursive: true }))

const node = z.strictObject({
  name: z.string(),
  role: z.string(),
  host: z.literal('localhost'),
  pgPort: z.int(),
  socketDir: z.string(),
  dataDir: z.string(),
  url: z.string().startsWith('http://127.0.0.1:'),
  controlSocket: z.string(),
  pids: z.strictObject({ postgres: z.int(), sidecar: z.int().nullable() }),
})
const report = z.strictObject({
  citus: z.union([z.literal('stand-in'), z.string().regex(/^\d+\.\d+\.\d+$/)]),
  dir: z.string(),
  nodes: z.array(node),
  poolers: z.array(z.never()),
})

interface Running {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly code: Promise<number | null>
}

function cluster(...args: string[]): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const code = once(child, 'close').then(([value]: unknown[]) => (typeof value === 'number' ? value : null))
  return { child, output, code }
}

async function up(dir: string, ...args: string[]): Promise<Running> {
  const running = cluster('up', '--dir', dir, ...args)
  const context = (): string => running.output.stderr
  const isUp = () => (running.child.exitCode === null ? running.output.stdout.endsWith('\n') : 'ended')
  assert.equal(await eventually('the cluster is up', isUp, { deadline: 60_000, context }), true, context())
  return running
}

async function act(...args: string[]): Promise<string> {
  const { output, code } = cluster(...args)
  assert.equal(await code, 0, output.stderr)
  return output.stdout
}

function isGone(dir: string): boolean {
  return !existsSync(dir) && !listProcesses().some(({ commandLine }) => commandLine.includes(dir))
}

test('up with sidecars, every action from another process, down from another process', async () => {
  mkdirSync(join(parent, 'private'), { mode: 0o700 })
  const dir = join(parent, 'private', 'whole')
  const keeper = await up(dir, '--workers', '1', '--json')
  const shown = report.parse(JSON.parse(keeper.output.stdout))
  assert.equal(shown.dir, dir)
  assert.deepEqual(
    shown.nodes.map(({ name, role }) => [name, role]),
    [
      ['coordinator', 'coordinator'],
      ['worker-1', 'worker'],
    ],
  )
  const taken = openCluster(dir)
  const { postgres, sidecar } = taken.node('worker-1')
  assert.deepEqual(shown.nodes[1]?.pids, { postgres: postgres.pid, sidecar: sidecar.pid })
  assert.equal((await sidecar.get('/readyz')).status, 200)
  assert.ok(existsSync(join(dir, 'worker-1', 'sidecar.log')) && existsSync(join(dir, 'worker-1', 'postgres.log')))

  const at = ['--dir', dir]
  assert.equal(await act('freeze', 'worker-1', ...at), 'worker-1 is frozen\n')
  assert.ok(postgres.processes().every(({ state }) => state === 'T'))
  assert.equal(await act('thaw', 'worker-1', ...at), 'worker-1 is thawed\n')
  assert.equal(await act('freeze', 'worker-1', '--postmaster', ...at), 'worker-1 has a frozen postmaster\n')
  assert.equal(readProcess(postgres.pid ?? 0)?.state, 'T')
  assert.equal(await act('kill', 'worker-1', ...at), 'worker-1 is killed\n')
  assert.equal(await act('kill', 'worker-1', ...at), 'worker-1 was not running\n')
  assert.match(await act('start', 'worker-1', ...at), /^worker-1 is started, process \d+\n$/)
  assert.match(await act('restart', 'worker-1', ...at), /^worker-1 is restarted, process \d+\n$/)
  assert.equal(await act('stop', 'worker-1', ...at), 'worker-1 is stopped\n')
  assert.match(await act('restart', 'worker-1/sidecar', ...at), /^worker-1\/sidecar is restarted, process \d+\n$/)
  assert.equal(await act('freeze', 'worker-1/sidecar', ...at), 'worker-1/sidecar is frozen\n')
  assert.equal(await act('kill', 'worker-1/sidecar', ...at), 'worker-1/sidecar is killed\n')
  assert.match(await act('start', 'worker-1/sidecar', ...at), /^worker-1\/sidecar is started, process \d+\n$/)

  const wrong = cluster('kill', 'worker-7', ...at)
  assert.equal(await wrong.code, 1)
  assert.equal(wrong.output.stderr, 'cluster: there is no node "worker-7"; there are coordinator, worker-1\n')

  assert.equal(await act('down', ...at), `the cluster in ${dir} is down\n`)
  assert.equal(await keeper.code, 0)
  assert.deepEqual([isGone(dir), isGone(taken.record.ground)], [true, true])
})

test('up prints a table, and an interrupt ends it all', async () => {
  const dir = join(parent, 'table')
  const keeper = await up(dir, '--workers', '1', '--no-sidecars')
  assert.match(keeper.output.stdout, /^Citus (\d+\.\d+\.\d+|stand-in \(control plane only\))\nnode +role +postgres/)
  assert.match(keeper.output.stdout, /^worker-1 +worker +localhost:\d+ +- +\d+ -$/m)
  keeper.child.kill('SIGINT')
  assert.equal(await keeper.code, 0)
  assert.equal(isGone(dir), true)
})

test('an interrupt on the way up leaves nothing', async () => {
  const dir = join(parent, 'early')
  const keeper = cluster('up', '--dir', dir, '--workers', '1')
  try {
    await eventually('the first server starts', () => existsSync(join(dir, 'coordinator', 'postgres.log')))
  } finally {
    keeper.child.kill('SIGTERM')
  }
  assert.equal(await keeper.code, 1)
  assert.match(keeper.output.stderr, /interrupted by SIGTERM|aborted/)
  assert.equal(isGone(dir), true)
})

test('down ends a cluster whose own process was killed', async () => {
  const dir = join(parent, 'orphaned')
  const keeper = await up(dir, '--workers', '0', '--no-sidecars')
  keeper.child.kill('SIGKILL')
  await keeper.code
  assert.equal(isGone(dir), false)
  await act('down', '--dir', dir)
  assert.equal(isGone(dir), true)
})

test('help is good, nonsense is usage, what is not there has failed', async () => {
  assert.match(await act('--help'), /npm run cluster -- up/)
  const nonsense = cluster('rise')
  assert.equal(await nonsense.code, 2)
  assert.match(nonsense.output.stderr, /^cluster: command "rise" is unknown; allowed are .*\nTry --help\.\n$/)
  const nowhere = cluster('down', '--dir', join(parent, 'nowhere'))
  assert.equal(await nowhere.code, 1)
  assert.match(nowhere.output.stderr, /there is no cluster in .*nowhere/)
})
