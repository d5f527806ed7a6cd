// One connection that is held: opened on first use and again after it broke, every query bounded, its end reported at once.
import type { Client, QueryConfig } from 'pg'
import type { Sql } from '../../probes/sql.ts'
import type { Config } from '../config.ts'
import { SidecarError } from '../errors.ts'
import { cancelQuery } from './cancel.ts'
import { bytesRead, cancelKey, connect, destroyClient, endClient } from './connect.ts'
import type { ConnectionTarget } from './conninfo.ts'

/** A frozen server must not hold up who says goodbye to it, milliseconds. */
const goodbye = 500

export interface SessionOptions {
  /** Where to connect; asked again at every connect, because the coordinator can move. */
  readonly target: (signal: AbortSignal) => Promise<ConnectionTarget>
  /** Called when an open connection ends without having been asked to. */
  readonly onClosed?: () => void
  /** Closes an unused connection after this many milliseconds; held for ever where undefined. */
  readonly idleTimeout?: number
}

/** How long one query may take, milliseconds, and what ends it early. */
export interface Bounds {
  readonly timeout: number
  readonly signal: AbortSignal
}

/** So many rows are fetched at once before it is looked how much that was. */
const batch = 500

/** A statement that must not touch anything, and how much it may answer. */
export interface ReadOnlyStatement {
  /** One statement that a cursor takes: select, with, values or table. */
  readonly text: string
  /** Server-side limit, milliseconds. */
  readonly statementTimeout: number
  readonly mostRows: number
  readonly mostBytes: number
}

/** pg's types do not know queryMode; its extended protocol takes one statement alone, so none can hide behind another. */
interface Statement extends QueryConfig {
  readonly queryMode?: 'extended'
}

interface Open {
  readonly client: Client
  readonly target: ConnectionTarget
}

/** A held connection; queries on it run one after the other. */
export class Session implements AsyncDisposable {
  readonly #config: Config
  readonly #options: SessionOptions
  #open: Open | undefined
  /** Ends when every query asked for so far has. */
  #turn: Promise<void> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined
  #inUse = 0
  #disposed = false

  constructor(config: Config, options: SessionOptions) {
    this.#config = config
    this.#options = options
  }

  get connected(): boolean {
    return this.#open !== undefined
  }

  /** Runs one query. @throws SidecarError CONNECT_FAILED, QUERY_TIMEOUT or SESSION_CLOSED, or the server's own error. */
  async query<Row extends object>(text: string, values: readonly unknown[], bounds: Bounds): Promise<readonly Row[]> {
    return await this.#inTurn(bounds, async (open) => await this.#run<Row>(open, { text, values: [...values] }, bounds))
  }

  /**
   * Runs a statement in a transaction that is read only and rolled back; the session is left as it was.
   * @throws as query does, the server's error where the statement writes, and Error where it answers too much.
   */
  async readOnly<Row extends object>(statement: ReadOnlyStatement, bounds: Bounds): Promise<readonly Row[]> {
    const { text, statementTimeout, mostRows, mostBytes } = statement
    return await this.#inTurn(bounds, async (open) => {
      const run = async (one: Statement): Promise<readonly Row[]> => await this.#run<Row>(open, one, bounds)
      try {
        const limits = `set local statement_timeout = ${statementTimeout}; set local cursor_tuple_fraction = 1`
        await run({ text: `begin read only; ${limits}` })
        await run({ text: `declare answer no scroll cursor for ${text}`, queryMode: 'extended' })
        const before = bytesRead(open.client)
        const rows: Row[] = []
        for (let more = batch; more === batch;) {
          const found = await run({ text: `fetch ${batch} from answer` })
          more = found.length
          rows.push(...found)
          if (rows.length > mostRows) throw new Error(`more than ${mostRows} rows; allowed: at most so many`)
          if (bytesRead(open.client) - before > mostBytes)
            throw new Error(`more than ${mostBytes} bytes of rows; allowed: at most so many`)
        }
        return rows
      } finally {
        // Locks of the session are no part of a transaction. A connection on which this fails is nobody's any more.
        if (this.#open === open)
          await run({ text: 'rollback; select pg_advisory_unlock_all()' }).catch(() => this.#giveUp(open))
      }
    })
  }

  /** Waits until everybody before has ended, and connects where need be. */
  async #inTurn<T>(bounds: Bounds, work: (open: Open) => Promise<T>): Promise<T> {
    this.#inUse += 1
    clearTimeout(this.#idle)
    const before = this.#turn
    const own = Promise.withResolvers<void>()
    this.#turn = before.then(async () => await own.promise)
    try {
      await turn(before, bounds)
      return await work(await this.#ready(bounds.signal))
    } finally {
      own.resolve()
      this.#inUse -= 1
      this.#restWhenUnused()
    }
  }

  /** The session as probes see it. */
  sql(bounds: Bounds): Sql {
    return { query: async (text, values = []) => await this.query(text, values, bounds) }
  }

  /** Gives the connection up; the next query opens a new one. */
  drop(): void {
    const open = this.#open
    this.#open = undefined
    if (open !== undefined) destroyClient(open.client)
  }

  /** Says goodbye to the server; the next query opens a new connection. */
  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    if (open === undefined) return
    await endClient(open.client, goodbye)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    clearTimeout(this.#idle)
    await this.close()
  }

  #restWhenUnused(): void {
    const { idleTimeout } = this.#options
    if (idleTimeout === undefined || this.#inUse > 0) return
    this.#idle = setTimeout(() => void this.close(), idleTimeout)
    this.#idle.unref()
  }

  async #ready(signal: AbortSignal): Promise<Open> {
    if (this.#disposed) throw new SidecarError('SESSION_CLOSED', 'this session was closed because the sidecar ends')
    return this.#open ?? (await this.#connect(signal))
  }

  async #connect(signal: AbortSignal): Promise<Open> {
    const target = await this.#options.target(signal)
    const client = await connect(this.#config, target, signal)
    const open: Open = { client, target }
    client.on('end', () => this.#ended(client))
    client.on('error', () => this.#ended(client))
    this.#open = open
    if (this.#disposed) await this[Symbol.asyncDispose]()
    return open
  }

  #ended(client: Client): void {
    if (this.#open?.client !== client) return
    this.#open = undefined
    destroyClient(client)
    this.#options.onClosed?.()
  }

  #giveUp(open: Open): void {
    if (this.#open === open) this.#open = undefined
    destroyClient(open.client)
  }

  async #run<Row extends object>(open: Open, statement: Statement, bounds: Bounds): Promise<readonly Row[]> {
    const { client, target } = open
    const { promise, reject } = Promise.withResolvers<never>()
    const ended = (): void => reject(new SidecarError('SESSION_CLOSED', 'the connection ended while the query ran'))
    const giveUp = (why: Error): void => {
      const key = cancelKey(client)
      if (key !== undefined && target.console !== true) void cancelQuery(target.address, key, 1_000)
      reject(why)
      // What the connection would say next belongs to this query, so nobody else may use it.
      this.#giveUp(open)
    }
    const timer = setTimeout(
      () => giveUp(new SidecarError('QUERY_TIMEOUT', `no answer within ${bounds.timeout} ms`)),
      bounds.timeout,
    )
    const onAbort = (): void =>
      giveUp(bounds.signal.reason instanceof Error ? bounds.signal.reason : new Error('aborted'))
    bounds.signal.addEventListener('abort', onAbort, { once: true })
    client.once('end', ended)
    try {
      bounds.signal.throwIfAborted()
      const result = await Promise.race([client.query<Row>(statement), promise])
      return result.rows
    } finally {
      clearTimeout(timer)
      bounds.signal.removeEventListener('abort', onAbort)
      client.off('end', ended)
    }
  }
}

/** Waits for the queries before this one, within its own bounds: one that gives up here leaves their connection alone. */
async function turn(before: Promise<void>, bounds: Bounds): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(
    () => reject(new SidecarError('QUERY_TIMEOUT', `no turn on this connection within ${bounds.timeout} ms`)),
    bounds.timeout,
  )
  const onAbort = (): void => reject(bounds.signal.reason)
  bounds.signal.addEventListener('abort', onAbort, { once: true })
  void before.then(resolve)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    bounds.signal.removeEventListener('abort', onAbort)
  }
}
