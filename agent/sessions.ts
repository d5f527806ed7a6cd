// Every connection of a sidecar, by what it is for; each shows itself as citus-sidecar/<use>.
import type { RowsElsewhere, SessionName } from '../probes/probe.ts'
import type { Sql } from '../probes/sql.ts'
import type { CoordinatorLocator } from './cluster/coordinator.ts'
import type { Config } from './config.ts'
import { consoleTarget, localTarget, queriesTarget } from './pg/conninfo.ts'
import type { ConnectionTarget } from './pg/conninfo.ts'
import { askElsewhere } from './other-databases.ts'
import { Session } from './pg/session.ts'
import type { Bounds } from './pg/session.ts'

/** An on-demand connection stays this long for what follows at once, milliseconds; hundreds of sidecars share the coordinator. */
const idleTimeout = 250

/** What a phase of a drain asks may take as long as the phase, whose end ends it, and that is as long as the pod has; milliseconds. */
const unhurried = 86_400_000

/** Held: `verdict`, `probe` and, from its first question on, `queries` and `pgbouncer`. On demand: the others. */
export class Sessions implements AsyncDisposable {
  readonly verdict: Session
  readonly probe: Session
  /** Apart from `probe`, because what a user asks may take long, break the connection, or let go of locks that others hold there. */
  readonly queries: Session
  /** The console of a PgBouncer that is known by address. */
  readonly pgbouncer: Session
  readonly peers: Session
  readonly sizes: Session
  readonly ledger: Session
  readonly register: Session
  readonly drain: Session
  readonly sweep: Session
  readonly drainLedger: Session
  readonly drainNotes: Session
  readonly hold: Session
  readonly remove: Session

  /** Asks the other databases that are to be told of. */
  readonly elsewhere: (text: string, sql: Sql, bounds: Bounds) => Promise<readonly RowsElsewhere[]>

  /** `closed` hears when a held connection ends without having been asked to. */
  constructor(config: Config, locator: CoordinatorLocator, closed: (use: SessionName) => void) {
    const held = (use: SessionName, target: ConnectionTarget): Session =>
      new Session(config, { target: async () => await Promise.resolve(target), onClosed: () => closed(use) })
    const here = (use: string, statementTimeout = config.statementTimeout): Session => {
      const target = { ...localTarget(config, use), statementTimeout }
      return new Session(config, { target: async () => await Promise.resolve(target), idleTimeout })
    }
    const atCoordinator = (use: string): Session =>
      new Session(config, { target: async (late) => await locator.target(use, late), idleTimeout })
    this.elsewhere = async (text, sql, bounds) => await askElsewhere(config, sql, text, bounds)
    this.verdict = held('verdict', localTarget(config, 'verdict'))
    this.probe = held('probe', localTarget(config, 'probe'))
    this.queries = held('queries', queriesTarget(config))
    this.pgbouncer = held('pgbouncer', consoleTarget(config, 'pgbouncer'))
    this.peers = here('peers')
    this.sizes = here('sizes')
    this.ledger = atCoordinator('ledger')
    this.register = atCoordinator('register')
    this.drain = here('drain', unhurried)
    this.sweep = here('sweep')
    this.hold = atCoordinator('hold-ledger')
    this.remove = here('remove')
    this.drainLedger = config.role === 'standalone' ? here('drain-ledger') : atCoordinator('drain-ledger')
    this.drainNotes = atCoordinator('drain-notes')
  }

  /** The session a probe asks on. */
  of(name: SessionName): Session {
    if (name === 'coordinator') return this.ledger
    return name === 'none' ? this.probe : this[name]
  }

  /** Says goodbye on all held connections to this PostgreSQL; the next question opens a new one. */
  async letGo(): Promise<void> {
    await Promise.all([this.verdict, this.probe, this.queries].map(async (session) => await session.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [
      this.verdict,
      this.probe,
      this.queries,
      this.pgbouncer,
      this.peers,
      this.sizes,
      this.ledger,
      this.register,
      this.drain,
      this.sweep,
      this.drainLedger,
      this.drainNotes,
      this.hold,
      this.remove,
    ]
    await Promise.all(all.map(async (session) => await session[Symbol.asyncDispose]()))
  }
}
