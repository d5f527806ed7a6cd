// What `npm run cluster` can do to the PgBouncer of a pooler.

import type { NODE_ACTIONS } from './cluster-arguments.ts'
import type { PgBouncer } from './pgbouncer-process.ts'
import { processActions } from './process-actions.ts'

type PoolerAction = (pgbouncer: PgBouncer, signal: AbortSignal) => Promise<string>

/** Each returns what became of it. */
export const POOLER_ACTIONS: Readonly<Record<(typeof NODE_ACTIONS)[number], PoolerAction>> = {
  ...processActions('PgBouncer'),
  async restart(pgbouncer, signal) {
    await pgbouncer.restart(signal)
    return `is restarted, process ${pgbouncer.pid}`
  },
  async start(pgbouncer, signal) {
    await pgbouncer.start(signal)
    return `is started, process ${pgbouncer.pid}`
  },
}
