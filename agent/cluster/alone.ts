// One sidecar serves one node: whoever holds the advisory lock on the local server acts, a second one only watches.
import type { Config } from '../config.ts'
import type { Bounds, Session } from '../pg/session.ts'

/** Two numbers that nobody else uses; the second differs from the lock under which metadata is changed. */
const nodeLock = [1_668_510_577, 2] as const

/** Connections remembered at most: each was given up before the server said what became of the lock there. */
const most = 8

const whoSql = `
  select a.pid, a.backend_start::text as begun,
         exists (select from pg_catalog.pg_locks l
                  where l.locktype = 'advisory' and l.classid = $1::bigint and l.objid = $2::bigint and l.objsubid = 2
                    and l.granted and l.pid = a.pid) as held
    from pg_catalog.pg_stat_activity a where a.pid = pg_catalog.pg_backend_pid()`

// Two looks at once may both take it; it ends with the session, however often it was taken there.
const takeSql = 'select pg_catalog.pg_try_advisory_lock($1::int, $2::int) as held'

const endSql = `
  select pg_catalog.pg_terminate_backend(l.pid) as ended
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
   where l.locktype = 'advisory' and l.classid = $1::bigint and l.objid = $2::bigint and l.objsubid = 2 and l.granted
     and (l.pid, a.backend_start::text) in (select * from unnest($3::int[], $4::text[]))`

/** The server's process behind a connection; numbers alone are used again. */
interface Backend {
  readonly pid: number
  readonly begun: string
}

/** The lock, held as long as the session is. */
export class AloneLock {
  readonly #session: Session
  readonly #config: Config
  /** Connections on which the lock was tried, oldest first: the server may have given it there and nobody heard. */
  #tried: readonly Backend[] = []

  constructor(session: Session, config: Config) {
    this.#session = session
    this.#config = config
  }

  /** Whether this sidecar has the lock, taking it where it is free. @throws as queries on a session do. */
  async held(signal: AbortSignal): Promise<boolean> {
    const bounds = { timeout: this.#config.statementTimeout, signal }
    const [row] = await this.#session.query<Backend & { held: boolean }>(whoSql, nodeLock, bounds)
    if (row === undefined) return false
    const { held, ...backend } = row
    if (held) {
      this.#tried = [backend]
      return true
    }
    const earlier = this.#tried.filter(({ pid, begun }) => pid !== backend.pid || begun !== backend.begun)
    this.#tried = [...earlier, backend].slice(-most)
    if (await this.#take(backend, bounds)) return true
    if (earlier.length === 0) return false
    // A server that has not heard that we gave a connection up would keep the lock for it, perhaps for hours.
    const ours = [earlier.map(({ pid }) => pid), earlier.map(({ begun }) => begun)]
    const ended = await this.#session.query<{ ended: boolean }>(endSql, [...nodeLock, ...ours], bounds)
    // Where none of them has it, one may have let it go since we were refused.
    return ended.length > 0 || (await this.#take(backend, bounds))
  }

  async #take(backend: Backend, bounds: Bounds): Promise<boolean> {
    const [row] = await this.#session.query<{ held: boolean }>(takeSql, nodeLock, bounds)
    if (row?.held === true) this.#tried = [backend]
    return row?.held === true
  }
}
