// A PgBouncer and a ledger in memory, for tests of the hold alone; both can be told to fail.
import type { Console } from '../../agent/hold/console.ts'
import type { Hold, HoldAnswer } from '../../agent/hold/hold-ledger.ts'
import type { HoldLedger } from '../../agent/hold/follower.ts'
import type { Bounds } from '../../agent/pg/session.ts'
import type { PooledDatabase } from '../../probes/pgbouncer/databases.ts'
import type { ConfigRow } from '../../probes/pgbouncer/limits.ts'

/** A console that notes its commands; a busy database does not come to rest when it is paused. */
export class FakeConsole implements Console {
  readonly commands: string[] = []
  readonly paused = new Set<string>()
  readonly busy = new Set<string>()
  down = false
  logins: number[] = []
  /** Whether clients wait and no server serves them. */
  waiting = false
  readonly config = new Map<string, string>()

  async databases(): Promise<readonly PooledDatabase[]> {
    this.#reach()
    const all = ['app', 'other'].map((name) => ({
      name,
      host: 'c',
      port: 1,
      paused: this.paused.has(name),
      poolMode: null,
    }))
    return await Promise.resolve(all)
  }

  async loggingIn(): Promise<number> {
    this.#reach()
    return await Promise.resolve(this.logins.shift() ?? 0)
  }

  async pause(database: string, bounds: Bounds): Promise<void> {
    this.#reach()
    this.commands.push(`PAUSE ${database}`)
    this.paused.add(database)
    if (this.busy.has(database)) throw new Error(`no answer within ${bounds.timeout} ms`)
    await Promise.resolve()
  }

  async resume(database: string): Promise<void> {
    this.#reach()
    this.commands.push(`RESUME ${database}`)
    this.paused.delete(database)
    await Promise.resolve()
  }

  async isWaiting(): Promise<boolean> {
    return await Promise.resolve(this.waiting)
  }

  async settings(): Promise<readonly ConfigRow[]> {
    this.#reach()
    return await Promise.resolve([...this.config].map(([key, value]) => ({ key, value })))
  }

  async set(setting: string, value: string): Promise<void> {
    this.#reach()
    this.config.set(setting, value)
    await Promise.resolve()
  }

  #reach(): void {
    if (this.down) throw new Error('connect ECONNREFUSED')
  }
}

/** A ledger with at most one hold. */
export class FakeLedger implements HoldLedger {
  hold: Hold | undefined
  down = false
  readonly answers: HoldAnswer[] = []

  async open(): Promise<Hold | undefined> {
    this.#reach()
    return await Promise.resolve(this.hold?.open === true ? this.hold : undefined)
  }

  async read(id: string): Promise<Hold | undefined> {
    this.#reach()
    return await Promise.resolve(this.hold?.id === id ? this.hold : undefined)
  }

  async answer(_id: string, answer: HoldAnswer): Promise<void> {
    this.#reach()
    this.answers.push(answer)
    await Promise.resolve()
  }

  #reach(): void {
    if (this.down) throw new Error('the coordinator is away')
  }
}
