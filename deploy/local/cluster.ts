// Entry of `npm run cluster`: command line in, exit code out (0 good, 1 failed, 2 usage).

import { perform } from './cluster-actions.ts'
import { readArguments } from './cluster-arguments.ts'
import { LocalError, UsageError } from './local-error.ts'

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new LocalError(`interrupted by ${signal}`)))
}

try {
  await perform(readArguments(process.argv.slice(2)), process.stdout, interrupted.signal)
} catch (error) {
  process.exitCode = error instanceof UsageError ? 2 : 1
  const isOurs = error instanceof Error && ['LocalError', 'UsageError', 'EventuallyError'].includes(error.name)
  const text = isOurs ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`cluster: ${text}\n${error instanceof UsageError ? 'Try --help.\n' : ''}`)
}
