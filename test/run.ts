// npm test: every test file, in parallel, on whatever servers this machine has; says first which ones.
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../deploy/local/lone-server.ts'

/** Two files a core wait for servers most of the time; more would make the machine the bottleneck. */
const concurrency = 4

const wanted = process.argv.slice(2)
const files = globSync('test/**/*.test.ts')
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .toSorted()
{
  // Asked of a real server, because only it knows which Citus it loads.
  await using server = await startPostgres({ database: 'app', extension: true })
  process.stdout.write(`${files.length} test files on ${server.description}\n`)
}
if (files.length === 0) {
  process.stderr.write(`no test file matches ${wanted.join(', ')}\n`)
  process.exitCode = 1
} else {
  // Hundreds of processes load the same modules: what the first one compiles the others read.
  const cache = mkdtempSync(join(tmpdir(), 'compiled-'))
  const runner = spawn(
    process.execPath,
    ['--test', `--test-concurrency=${concurrency}`, '--test-timeout=600000', ...files],
    { stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: cache } },
  )
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => runner.kill(name))
  runner.once('exit', (code) => {
    process.exitCode = code ?? 1
    rmSync(cache, { recursive: true, force: true })
  })
}
