// The lock of a node hold on one metadata node: one transaction with limits that the server itself enforces.
import type { Config } from '../config.ts'
import { reasonOf, sqlstate } from '../errors.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import { systemClock } from '../loop/clock.ts'
import { coordinatorTarget, localTarget } from '../pg/conninfo.ts'
import { Session } from '../pg/session.ts'
import type { MetadataNode } from './node-ledger.ts'

/** How far one step has come. `busy`: writers kept it from us; `away`: nobody can write through that server now; `refused`: trying again does not help. */
export type Taken =
  | { readonly state: 'held' }
  | { readonly state: 'busy' | 'away' | 'refused'; readonly reason: string }

export interface TakeLimits {
  /** How long writers may queue behind us, milliseconds. */
  readonly wait: number
  /** When the server ends the transaction by itself, milliseconds from now. */
  readonly lease: number
  /** End the sessions that keep the lock from us, after half of `wait`. */
  readonly force: boolean
}

/** The lock on one metadata node. */
export interface NodeLock extends AsyncDisposable {
  readonly name: string
  readonly held: boolean
  /** The longest wait for the lock in which no writer can be the victim of a deadlock with us, milliseconds; known once open. */
  readonly longestWait: number
  /** Connects, before anything is locked anywhere. */
  open(signal: AbortSignal): Promise<Taken>
  take(limits: TakeLimits, signal: AbortSignal): Promise<Taken>
  letGo(): Promise<void>
}

/** Over the server's own limit, so that its answer comes first, milliseconds. */
const grace = 500
const rollbackTimeout = 1_000
/** How often we look whether a writer and we wait for each other, milliseconds: a small part of Citus' two seconds. */
const watchEvery = 4
/** Looks are short and end by their own timeout. */
const unending = new AbortController().signal

/** Errors that pass by themselves: connection, resources, a server that stops or starts. */
const passing = new Set(['08', '25', '53', '57', '58', 'XX'])
const busyStates = new Set(['55P03', '57014', '40P01'])

function failed(name: string, error: unknown): Taken {
  const code = sqlstate(error) ?? (error instanceof Error ? sqlstate(error.cause) : undefined)
  const reason = `${name}: ${reasonOf(error)}`
  if (code !== undefined && busyStates.has(code)) return { state: 'busy', reason }
  return { state: code === undefined || passing.has(code.slice(0, 2)) ? 'away' : 'refused', reason }
}

interface BlockerRow {
  readonly pid: number
  readonly name: string | null
  readonly state: string | null
  readonly seconds: number | null
}

interface WatchRow {
  readonly pids: readonly number[]
}

const blockersSql = `
  select b.pid, a.application_name as name, a.state, extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::int as seconds
    from pg_catalog.unnest($1::integer[]) b(pid) left join pg_catalog.pg_stat_activity a on a.pid = b.pid
   order by a.xact_start, b.pid limit 5`

// Who waits for us while we wait for them makes us give way at once, in the one statement that sees it.
const watchSql = `
  with blockers as materialized (select pg_catalog.pg_blocking_pids($1) as pids)
  select pids, case when exists (select from pg_catalog.unnest(pids) b(pid) where b.pid <> 0 and $1 = any (pg_catalog.pg_blocking_pids(b.pid)))
                    then pg_catalog.pg_cancel_backend($1) end
    from blockers`

/** One who keeps the lock from us, for a person: process id, application, state. */
export function describeBlocker({ pid, name, state, seconds }: BlockerRow): string {
  if (pid === 0) return 'a prepared transaction'
  const shown = name === null || name === '' ? 'without application_name' : `"${name.slice(0, 64)}"`
  return `pid ${pid} (${shown}, ${state ?? 'state unknown'}${seconds === null ? '' : `, ${seconds} s in its transaction`})`
}

export class ServerLock implements NodeLock {
  readonly name: string
  readonly #config: Config
  readonly #group: number
  readonly #session: Session
  readonly #watcher: Session
  #pid = 0
  #held = false
  longestWait = 0

  constructor(config: Config, node: MetadataNode, group: number) {
    this.name = node.name
    this.#config = config
    this.#group = group
    const session = (use: string, onClosed: () => void): Session =>
      new Session(config, {
        target: async () =>
          await Promise.resolve(
            node.address === undefined ? localTarget(config, use) : coordinatorTarget(config, node.address, use),
          ),
        onClosed,
      })
    this.#session = session('hold', () => {
      this.#held = false
    })
    this.#watcher = session('hold-watch', () => undefined)
  }

  get held(): boolean {
    return this.#held
  }

  async open(signal: AbortSignal): Promise<Taken> {
    try {
      const [row] = await this.#session.query<{ pid: number; deadlock: number }>(
        `select pg_catalog.pg_backend_pid() as pid,
                (select s.setting::int from pg_catalog.pg_settings s where s.name = 'deadlock_timeout') as deadlock`,
        [],
        { timeout: this.#config.statementTimeout, signal },
      )
      this.#pid = row?.pid ?? 0
      // A writer looks for a deadlock once it has waited this long, and would then be the one to fail.
      this.longestWait = Math.max((row?.deadlock ?? 1_000) * 0.9, 100)
      return { state: 'held' }
    } catch (error) {
      return failed(this.name, error)
    }
  }

  /** One statement string: were the connection opened anew between two, the lock would be taken outside a transaction. */
  async take({ wait, lease, force }: TakeLimits, signal: AbortSignal): Promise<Taken> {
    const [waitMs, leaseMs] = [Math.max(Math.round(wait), 1), Math.max(Math.round(lease), 1)]
    const text = `begin;
      set local idle_in_transaction_session_timeout = ${leaseMs};
      set local statement_timeout = ${waitMs};
      select pg_catalog.set_config(s.name, '${leaseMs}', true) from pg_catalog.pg_settings s where s.name = 'transaction_timeout';
      select citus_sidecar.hold_node(${this.#group}, ${waitMs}, ${force})`
    using over = new ChildSignal(signal)
    const watched = this.#watch(over.signal)
    try {
      await this.#session.query(text, [], { timeout: waitMs + grace, signal })
      this.#held = this.#session.connected
      return this.#held ? { state: 'held' } : { state: 'away', reason: `${this.name}: the connection ended` }
    } catch (error) {
      const taken = failed(this.name, error)
      if (taken.state !== 'busy') return taken
      over.abort()
      const names = await watched
      return names.length === 0 ? taken : { state: 'busy', reason: `${this.name} is kept busy by ${names.join(', ')}` }
    } finally {
      over.abort()
      // The last word of the watch must not meet a later statement.
      await watched
    }
  }

  async letGo(): Promise<void> {
    this.#held = false
    if (!this.#session.connected) return
    const bounds = { timeout: rollbackTimeout, signal: AbortSignal.timeout(rollbackTimeout) }
    // Where it cannot be said, the connection goes: the server rolls back when it does.
    await this.#session.query('rollback', [], bounds).catch(() => this.#session.drop())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#held = false
    await Promise.all([this.#session[Symbol.asyncDispose](), this.#watcher[Symbol.asyncDispose]()])
  }

  /**
   * Looks on while we wait: gives way where someone in the way waits for us, and returns who was in the way last, which afterwards
   * nobody can tell.
   */
  async #watch(signal: AbortSignal): Promise<readonly string[]> {
    const bounds = { timeout: rollbackTimeout, signal: unending }
    let last: readonly number[] = []
    while (!signal.aborted) {
      const [seen] = await this.#watcher.query<WatchRow>(watchSql, [this.#pid], bounds).catch(() => [])
      if (seen !== undefined && seen.pids.length > 0) last = seen.pids
      await systemClock.sleep(watchEvery, signal)
    }
    if (last.length === 0) return []
    return (await this.#watcher.query<BlockerRow>(blockersSql, [last], bounds).catch(() => [])).map(describeBlocker)
  }
}
