// npm run bench: measures what the sidecar must reach, on the built program; `npm run bench -- word` runs the claims named so.
// A whole run writes docs/benchmarks.md. Exit code 1 when a target is missed.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProgram } from '../../deploy/build.ts'
import { startPostgres } from '../../deploy/local/lone-server.ts'
import type { Claim, Result } from './claim.ts'
import { draining } from './draining.ts'
import { endpoints } from './endpoints.ts'
import { idle } from './idle.ts'
import { joining } from './joining.ts'
import { links } from './links.ts'
import { manyShards, metricsCost, rendering } from './metrics.ts'
import { outage } from './outage.ts'
import { removing } from './removing.ts'
import { pace } from './pace.ts'
import { paceText, reportText } from './report.ts'
import type { Measured } from './report.ts'
import { nodeHold, rollingRestarts } from './rolling-restart.ts'
import { scrapeInTrouble } from './scrape-in-trouble.ts'
import { start } from './start.ts'
import { tracing } from './tracing.ts'
import { statementLog } from './statement-log.ts'
import { statements } from './statements.ts'

const claims: readonly Claim[] = [
  start,
  idle,
  tracing,
  outage,
  joining,
  endpoints,
  draining,
  nodeHold,
  rollingRestarts,
  removing,
  metricsCost,
  manyShards,
  rendering,
  scrapeInTrouble,
  statementLog,
  links,
  statements,
]
/** A run takes about twenty-five minutes; one that takes twice that has got stuck. */
const longest = 2_400_000
const root = fileURLToPath(new URL('../..', import.meta.url))

async function describe(): Promise<string> {
  await using server = await startPostgres({ database: 'app', extension: true })
  const [row] = await server.postgres.query<{ version: string }>(
    "select split_part(current_setting('server_version'), ' ', 1) as version",
  )
  return `PostgreSQL ${row?.version ?? '?'}, ${server.description}`
}

/** A claim that could not be measured is missed, and the others are measured all the same. */
async function measure(claim: Claim): Promise<readonly Result[]> {
  try {
    return await claim.run(`${root}dist/main.js`)
  } catch (error) {
    const value = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    process.stderr.write(`${error instanceof Error ? error.stack : value}\n`)
    return [{ what: claim.name, value: `not measured: ${value}`, target: 'a measurement', met: false }]
  }
}

// What was started ends with this process, however it ends.
setTimeout(() => {
  process.stderr.write(`bench: not done after ${longest / 60_000} min\n`)
  process.exit(1)
}, longest).unref()

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const chosen = claims.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
await buildProgram(`${root}dist`)
// As in the image: what Node has compiled before, and what is set of malloc, every sidecar here has (deploy/local/agent-command.ts).
const compiled = mkdtempSync(join(tmpdir(), 'citus-sidecar-compiled-'))
process.once('exit', () => rmSync(compiled, { recursive: true, force: true }))
process.env['NODE_COMPILE_CACHE'] = compiled
for (const [, name = '', value] of readFileSync(`${root}Dockerfile`, 'utf8').matchAll(/\b(MALLOC_\w+)=(\w+)/g))
  process.env[name] = value
const server = await describe()
process.stdout.write(`${server}\n`)
const measured: Measured[] = []
const paces: number[] = []
for (const claim of chosen) {
  paces.push(pace())
  const results = await measure(claim)
  measured.push({ claim, results })
  for (const { what, value, target, met } of results)
    process.stdout.write(
      `${met === undefined ? '      ' : met ? 'met   ' : 'MISSED'}  ${what}: ${value} (target ${target ?? 'none'})\n`,
    )
}
paces.push(pace())
process.stdout.write(`${paceText(paces)}\n`)
if (chosen.length === claims.length)
  writeFileSync(`${root}docs/benchmarks.md`, reportText(measured, { server, paces }, new Date()))
const missed = measured.flatMap(({ results }) => results).some(({ met }) => met === false)
process.exitCode = chosen.length === 0 || missed ? 1 : 0
