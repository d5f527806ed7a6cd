// The admin console of a PgBouncer: pause, resume, look. Simple queries only, it knows no others.
import { databasesCommand, toDatabases } from '../../probes/pgbouncer/databases.ts'
import type { DatabaseRow, PooledDatabase } from '../../probes/pgbouncer/databases.ts'
import { configCommand } from '../../probes/pgbouncer/limits.ts'
import type { ConfigRow } from '../../probes/pgbouncer/limits.ts'
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'
import { consoleTarget } from '../pg/conninfo.ts'
import { Session } from '../pg/session.ts'
import type { Bounds } from '../pg/session.ts'

/** What a hold needs of a PgBouncer. */
export interface Console {
  databases(bounds: Bounds): Promise<readonly PooledDatabase[]>
  /** How many connections to servers are about to log in. */
  loggingIn(bounds: Bounds): Promise<number>
  /** Returns once no transaction runs and every server connection is closed. @throws when that is not so in time; new transactions wait all the same. */
  pause(database: string, bounds: Bounds): Promise<void>
  /** Nothing is changed for a database that is not paused or not there. */
  resume(database: string, bounds: Bounds): Promise<void>
  /** Whether clients wait and no server serves any of them. */
  isWaiting(bounds: Bounds): Promise<boolean>
  /** SHOW CONFIG. */
  settings(bounds: Bounds): Promise<readonly ConfigRow[]>
  /** Changes a setting until PgBouncer ends or reads its files again. */
  set(setting: string, value: string, bounds: Bounds): Promise<void>
}

type Count = number | string

/** A row of SHOW POOLS; other columns vary with the version. */
interface PoolRow {
  readonly database: string
  readonly cl_waiting: Count
  readonly sv_active: Count
  readonly sv_idle: Count
  readonly sv_login: Count
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A console over two connections: PAUSE answers only when it is done, so what ends it needs another one. */
export class PoolerConsole implements Console, AsyncDisposable {
  readonly #main: Session
  readonly #pausing: Session

  constructor(config: Config, onClosed?: () => void) {
    const session = (use: string, closed?: () => void): Session =>
      new Session(config, {
        target: async () => await Promise.resolve(consoleTarget(config, use)),
        ...(closed === undefined ? {} : { onClosed: closed }),
      })
    this.#main = session('console', onClosed)
    this.#pausing = session('pause')
  }

  /** Opens both connections ahead of time: a PgBouncer that is full later cannot lock us out. */
  async open(bounds: Bounds): Promise<void> {
    for (const one of [this.#main, this.#pausing]) await one.query('SHOW VERSION', [], bounds)
  }

  async databases(bounds: Bounds): Promise<readonly PooledDatabase[]> {
    return toDatabases(await this.#main.query<DatabaseRow>(databasesCommand, [], bounds))
  }

  async loggingIn(bounds: Bounds): Promise<number> {
    const rows = await this.#main.query<PoolRow>('SHOW POOLS', [], bounds)
    return rows.reduce((sum, row) => sum + (row.database === 'pgbouncer' ? 0 : Number(row.sv_login)), 0)
  }

  async isWaiting(bounds: Bounds): Promise<boolean> {
    const rows = await this.#main.query<PoolRow>('SHOW POOLS', [], bounds)
    return rows.some((row) => Number(row.cl_waiting) > 0 && Number(row.sv_active) + Number(row.sv_idle) === 0)
  }

  async pause(database: string, bounds: Bounds): Promise<void> {
    await this.#pausing.query(`PAUSE ${quote(database)}`, [], bounds)
  }

  async resume(database: string, bounds: Bounds): Promise<void> {
    try {
      await this.#main.query(`RESUME ${quote(database)}`, [], bounds)
    } catch (error) {
      if (!/is not paused|no such database/.test(reasonOf(error))) throw error
    }
  }

  async settings(bounds: Bounds): Promise<readonly ConfigRow[]> {
    return await this.#main.query<ConfigRow>(configCommand, [], bounds)
  }

  async set(setting: string, value: string, bounds: Bounds): Promise<void> {
    await this.#main.query(`SET ${setting} = '${value.replaceAll("'", "''")}'`, [], bounds)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#main[Symbol.asyncDispose](), this.#pausing[Symbol.asyncDispose]()])
  }
}
