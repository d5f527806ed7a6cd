// One sidecar serves one node: whoever holds the advisory lock on the local server acts, a second one only watches.
import type { Config } from '../config.ts'
import type { Session } from '../pg/session.ts'

/** Two numbers that nobody else uses; the second differs from the lock under which metadata is changed. */
const nodeLock = [1_668_510_577, 2] as const

const sql = `
  select pg_catalog.pg_backend_pid() as pid,
         (select a.backend_start::text from pg_catalog.pg_stat_activity a where a.pid = pg_catalog.pg_backend_pid()) as begun,
         case when exists (select from pg_catalog.pg_locks l
                            where l.locktype = 'advisory' and l.classid = $1::bigint and l.objid = $2::bigint and l.objsubid = 2
                              and l.granted and l.pid = pg_catalog.pg_backend_pid())
              then true else pg_catalog.pg_try_advisory_lock($1::int, $2::int) end as held`

const endSql = `
  select pg_catalog.pg_terminate_backend(l.pid) as ended
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
   where l.locktype = 'advisory' and l.classid = $1::bigint and l.objid = $2::bigint and l.objsubid = 2 and l.granted
     and l.pid = $3 and a.backend_start::text = $4`

interface Row {
  /** Of the server's process behind the session. */
  readonly pid: number
  readonly begun: string
  readonly held: boolean
}

/** The lock, held as long as the session is. */
export class AloneLock {
  readonly #session: Session
  readonly #config: Config
  /** The connection on which the lock was last held. */
  #last: Row | undefined

  constructor(session: Session, config: Config) {
    this.#session = session
    this.#config = config
  }

  /** Whether this sidecar has the lock, taking it where it is free. @throws as queries on a session do. */
  async held(signal: AbortSignal): Promise<boolean> {
    const bounds = { timeout: this.#config.statementTimeout, signal }
    const [row] = await this.#session.query<Row>(sql, nodeLock, bounds)
    if (row?.held === true) {
      this.#last = row
      return true
    }
    if (this.#last === undefined) return false
    // A server that has not heard that we gave our last connection up would keep the lock for it, perhaps for hours.
    const { pid, begun } = this.#last
    const ended = await this.#session.query<{ ended: boolean }>(endSql, [...nodeLock, pid, begun], bounds)
    return ended.length > 0
  }
}
