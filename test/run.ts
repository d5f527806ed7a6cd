// npm test: every test file, in parallel, on whatever servers this machine has; says first which ones, and last how many tests passed.
import { globSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { startPostgres } from '../deploy/local/lone-server.ts'
import { longestFirst } from './longest-files.ts'
import { takeRunFolder } from './run-folder.ts'

/** Two files a core wait for servers most of the time; more would make the machine the bottleneck. */
const concurrency = 4

const wanted = process.argv.slice(2)
const files = longestFirst(
  globSync('test/**/*.test.ts').filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word))),
)
await takeRunFolder()
{
  // Asked of a real server, because only it knows which Citus it loads.
  await using server = await startPostgres({ database: 'app', extension: true })
  process.stdout.write(`${files.length} test files on ${server.description}\n`)
}
if (files.length === 0) {
  process.stderr.write(`no test file matches ${wanted.join(', ')}\n`)
  process.exitCode = 1
} else {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => {
      process.exitCode = 1
      stop.abort()
    })
  const tests = run({ files, concurrency, timeout: 600_000, signal: stop.signal })
  tests.on('test:fail', () => (process.exitCode = 1))
  tests.compose(spec).pipe(process.stdout)
}
