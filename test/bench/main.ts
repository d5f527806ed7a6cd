// npm run bench: measures what the sidecar must reach, on the built program; `npm run bench -- word` runs the claims named so.
// A whole run writes docs/benchmarks.md. Exit code 1 when a target is missed.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '../../deploy/local/lone-server.ts'
import type { Claim } from './claim.ts'
import { endpoints } from './endpoints.ts'
import { idle } from './idle.ts'
import { joining } from './joining.ts'
import { outage } from './outage.ts'
import { reportText } from './report.ts'
import type { Measured } from './report.ts'
import { start } from './start.ts'

const claims: readonly Claim[] = [start, idle, outage, joining, endpoints]
const root = fileURLToPath(new URL('../..', import.meta.url))

async function describe(): Promise<string> {
  await using server = await startPostgres({ database: 'app', extension: true })
  const [row] = await server.postgres.query<{ version: string }>(
    "select split_part(current_setting('server_version'), ' ', 1) as version",
  )
  return `PostgreSQL ${row?.version ?? '?'}, ${server.description}`
}

const words = process.argv.slice(2)
const chosen = claims.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
const server = await describe()
process.stdout.write(`${server}\n`)
const measured: Measured[] = []
for (const claim of chosen) {
  const results = await claim.run(`${root}dist/agent/main.js`)
  measured.push({ claim, results })
  for (const { what, value, target, met } of results)
    process.stdout.write(`${met ? 'met   ' : 'MISSED'}  ${what}: ${value} (target ${target})\n`)
}
if (chosen.length === claims.length)
  writeFileSync(`${root}docs/benchmarks.md`, reportText(measured, server, new Date()))
const missed = measured.flatMap(({ results }) => results).some(({ met }) => !met)
process.exitCode = chosen.length === 0 || missed ? 1 : 0
