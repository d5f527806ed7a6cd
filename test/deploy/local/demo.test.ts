// `npm run demo -- --once` as a program sees it: what it says, what it checks, its exit code, and nothing left.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../../deploy/local/eventually.ts'
import { openCluster } from '../../../deploy/local/local-cluster.ts'
import { listProcesses } from '../../../deploy/local/process-table.ts'

const ENTRY = fileURLToPath(new URL('../../../deploy/local/demo.ts', import.meta.url))

interface Running {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly code: Promise<number | null>
}

function demo(...args: string[]): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const code = once(child, 'close').then(([value]: unknown[]) => (typeof value === 'number' ? value : null))
  return { child, output, code }
}

async function until(words: string, { child, output }: Running): Promise<void> {
  const said = (): string | false => (output.stdout.includes(words) ? 'said' : child.exitCode !== null && 'ended')
  const context = (): string => output.stdout + output.stderr
  assert.equal(await eventually(`the demo says "${words}"`, said, { deadline: 90_000, context }), 'said', context())
}

function folderOf({ output }: Running): string {
  const dir = /^folder (.+)$/m.exec(output.stdout)?.[1]
  assert.ok(dir !== undefined, output.stdout)
  return dir
}

function assertGone(dir: string): void {
  assert.equal(existsSync(dir), false)
  assert.deepEqual(
    listProcesses().filter(({ commandLine }) => commandLine.includes(dir)),
    [],
  )
}

test('the story is told and everything in it happens', async () => {
  const running = demo('--once')
  const code = await running.code
  const { stdout, stderr } = running.output
  assert.equal(code, 0, stdout + stderr)
  assert.equal(stderr, '')
  assert.match(stdout, /^Citus (\d+\.\d+\.\d+|stand-in \(control plane only\))\n/)
  const sentences = [
    /a coordinator and two workers started, each with its own sidecar/,
    /as it should: every node is ready/,
    /kill -9 to every process of the PostgreSQL of worker-1/,
    /s {2}worker-1 is not ready: (postgres|connections): /,
    /as it should: \/readyz says that nothing listens where PostgreSQL should be/,
    /s {2}worker-1 is ready\n/,
    /as it should: the membership in pg_dist_node is as before/,
    /the PostgreSQL of worker-2 is frozen/,
    /s {2}worker-2 is not ready: (postgres|connections): .*does not answer/,
    /as it should: worker-2 is not ready within 5 s/,
    /as it should: worker-2 is ready again within 10 s/,
    /as it should: the sidecar of worker-2 was live throughout/,
    /of what was to happen, all \d+ happened/,
    /^ {2}http:\/\/127\.0\.0\.1:\d+\/readyz\?verbose$/m,
  ]
  let rest = stdout
  for (const sentence of sentences) {
    const found = sentence.exec(rest)
    assert.ok(found !== null, `${sentence} does not come where it should in\n${stdout}`)
    rest = rest.slice(found.index)
  }
  // The table comes whenever it says something new, which can be just before or after the line that says why.
  assert.match(stdout, /^worker-2 +worker +\d+ +localhost:\d+ +active +yes /m)
  assert.match(stdout, /^worker-1 +worker +\d+ +localhost:\d+ +active +no /m)
  assert.match(stdout, /^worker-2 +worker +\d+ +localhost:\d+ +active +no /m)
  assert.equal(stdout.includes('\u001B'), false, 'control characters although this is no terminal')
  assertGone(folderOf(running))
})

test('what does not happen is named, and the exit code says so', async () => {
  const running = demo('--once')
  await until('kill -9 to every process', running)
  const dir = folderOf(running)
  const { coordinator } = openCluster(dir)
  await coordinator.postgres.query(
    'update pg_dist_node set shouldhaveshards = not shouldhaveshards where groupid = (select max(groupid) from pg_dist_node)',
  )
  assert.equal(await running.code, 1, running.output.stdout)
  assert.match(
    running.output.stdout,
    /1 of \d+ did not happen\n {2}did not happen: the membership in pg_dist_node is as before/,
  )
  assertGone(dir)
})

test('an interrupt in the middle of the story ends and removes everything', async () => {
  const running = demo('--once')
  await until('is ready\n', running)
  running.child.kill('SIGINT')
  assert.equal(await running.code, 1)
  assert.equal(running.output.stderr, 'demo: interrupted by SIGINT\n')
  assertGone(folderOf(running))
})

test('nonsense is usage', async () => {
  const running = demo('--twice')
  assert.equal(await running.code, 2)
  assert.match(running.output.stderr, /^demo: Unknown option '--twice'.*\nTry --help\.\n$/s)
})
