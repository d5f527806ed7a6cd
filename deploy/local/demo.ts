// Entry of `npm run demo`: a cluster starts, loses nodes and heals, for people to watch and, with --once, for programs
// to check. Exit codes: 0 good, 1 something did not happen as it should, 2 usage.

import { parseArgs } from 'node:util'
import { DemoScreen } from './demo-screen.ts'
import { placesOf, tellStory } from './demo-story.ts'
import { DemoWatch } from './demo-watch.ts'
import { LocalError, UsageError } from './local-error.ts'
import { startCluster } from './start-cluster.ts'

const HELP = `A Citus cluster on this machine finds itself, loses a node, loses another, and heals each time.

  npm run demo            show it, then stay until Ctrl-C, with all URLs
  npm run demo -- --once  the same, then end: exit code 0 only if everything happened as it should

CITUS_SIDECAR_LOCAL_SERVER=citus|stand-in forces the kind of server.
`

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new LocalError(`interrupted by ${name}`)))
}

function readArguments(argv: string[]): { once: boolean; help: boolean } {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    return { once: values.once === true, help: values.help === true }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** Plays the demo; returns the exit code. */
async function demo(once: boolean, signal: AbortSignal): Promise<number> {
  const startedAt = Date.now()
  using screen = new DemoScreen(process.stdout, startedAt)
  screen.passing('a coordinator and two workers start, each with its own sidecar …')
  await using cluster = await startCluster({ workers: 2, waitReady: false }, signal)
  screen.text(`${cluster.description}\nfolder ${cluster.dir}\n`)
  await using watch = new DemoWatch(cluster, screen)
  const missed = await tellStory({ cluster, screen, watch, startedAt, signal })
  screen.text(placesOf(cluster))
  if (!once) {
    screen.text('This stays until Ctrl-C, which ends and removes everything.\n')
    await new Promise<void>((resolve) => {
      // The watch alone would not keep the process alive.
      const alive = setInterval(() => undefined, 60_000)
      const end = (): void => resolve(clearInterval(alive))
      if (signal.aborted) end()
      else signal.addEventListener('abort', end, { once: true })
    })
  }
  return missed.length === 0 ? 0 : 1
}

let once = true
try {
  const request = readArguments(process.argv.slice(2))
  once = request.once
  if (request.help) process.stdout.write(HELP)
  else process.exitCode = await demo(once, interrupted.signal)
} catch (error) {
  const isOurs = error instanceof Error && ['LocalError', 'UsageError', 'EventuallyError'].includes(error.name)
  const text = isOurs ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`demo: ${text}\n${error instanceof UsageError ? 'Try --help.\n' : ''}`)
  // A person who has seen enough did nothing wrong; a program that wanted it whole did not get it.
  process.exitCode = error instanceof UsageError ? 2 : interrupted.signal.aborted && !once ? 0 : 1
}
