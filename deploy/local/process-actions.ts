// What `npm run cluster` can do to any process that runs beside something: a sidecar, a PgBouncer.
import { LocalError } from './local-error.ts'

/** A process that the launcher started or found. */
interface Process {
  readonly name: string
  readonly pid: number | undefined
  kill(signal?: AbortSignal): Promise<unknown>
  stop(signal?: AbortSignal): Promise<unknown>
  freeze(): void
  thaw(): void
}

type ProcessAction = (process: Process, signal: AbortSignal) => Promise<string>

/** Each returns what became of it; `what` is how an error names the process, before the name of its node. */
export function processActions(what: string): Readonly<Record<'kill' | 'freeze' | 'thaw' | 'stop', ProcessAction>> {
  return {
    async kill(process, signal) {
      if (process.pid === undefined) return 'was not running'
      await process.kill(signal)
      return 'is killed'
    },
    async freeze(process) {
      process.freeze()
      return 'is frozen'
    },
    async thaw(process) {
      if (process.pid === undefined) throw new LocalError(`${what} of ${process.name} is not running: nothing to thaw`)
      process.thaw()
      return 'is thawed'
    },
    async stop(process, signal) {
      if (process.pid === undefined) return 'was not running'
      await process.stop(signal)
      return 'is stopped'
    },
  }
}
