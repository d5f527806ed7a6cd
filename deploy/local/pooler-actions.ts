// What `npm run cluster` can do to the PgBouncer of a pooler.

import type { NODE_ACTIONS } from './cluster-arguments.ts'
import { LocalError } from './local-error.ts'
import type { PgBouncer } from './pgbouncer-process.ts'

type PoolerAction = (pgbouncer: PgBouncer, signal: AbortSignal) => Promise<string>

/** Each returns what became of it. */
export const POOLER_ACTIONS: Readonly<Record<(typeof NODE_ACTIONS)[number], PoolerAction>> = {
  async kill(pgbouncer, signal) {
    if (pgbouncer.pid === undefined) return 'was not running'
    await pgbouncer.kill(signal)
    return 'is killed'
  },
  async freeze(pgbouncer) {
    pgbouncer.freeze()
    return 'is frozen'
  },
  async thaw(pgbouncer) {
    if (pgbouncer.pid === undefined)
      throw new LocalError(`PgBouncer of ${pgbouncer.name} is not running: nothing to thaw`)
    pgbouncer.thaw()
    return 'is thawed'
  },
  async restart(pgbouncer, signal) {
    await pgbouncer.restart(signal)
    return `is restarted, process ${pgbouncer.pid}`
  },
  async stop(pgbouncer, signal) {
    if (pgbouncer.pid === undefined) return 'was not running'
    await pgbouncer.stop(signal)
    return 'is stopped'
  },
  async start(pgbouncer, signal) {
    await pgbouncer.start(signal)
    return `is started, process ${pgbouncer.pid}`
  },
}
