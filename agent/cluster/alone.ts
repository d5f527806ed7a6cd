// One sidecar serves one node: whoever holds the advisory lock on the local server acts, a second one only watches.
import type { Config } from '../config.ts'
import type { Session } from '../pg/session.ts'

/** Two numbers that nobody else uses; the second differs from the lock under which metadata is changed. */
const nodeLock = [1_668_510_577, 2] as const

const sql = `
  select case when exists (select from pg_catalog.pg_locks l
                            where l.locktype = 'advisory' and l.classid = $1::bigint and l.objid = $2::bigint and l.objsubid = 2
                              and l.granted and l.pid = pg_catalog.pg_backend_pid())
              then true else pg_catalog.pg_try_advisory_lock($1::int, $2::int) end as held`

/** The lock, held as long as the session is. */
export class AloneLock {
  readonly #session: Session
  readonly #config: Config

  constructor(session: Session, config: Config) {
    this.#session = session
    this.#config = config
  }

  /** Whether this sidecar has the lock, taking it where it is free. @throws as queries on a session do. */
  async held(signal: AbortSignal): Promise<boolean> {
    const [row] = await this.#session.query<{ held: boolean }>(sql, nodeLock, {
      timeout: this.#config.statementTimeout,
      signal,
    })
    return row?.held === true
  }
}
