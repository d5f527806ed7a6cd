// The contract of a probe: one thing we ask, how often, on which connection, and what comes of it.
import type { Alive } from './postgres/alive.ts'
import type { Acceptance } from './postgres/acceptance.ts'
import type { Identity } from './postgres/identity.ts'
import type { Replication } from './postgres/replication.ts'
import type { StopCost } from './postgres/stop-cost.ts'
import type { Writable } from './postgres/writable.ts'
import type { LocalMetadata } from './citus/local.ts'
import type { ClusterView } from './citus/nodes.ts'
import type { Peer } from './citus/peers.ts'
import type { Versions } from './citus/versions.ts'
import type { PoolerAlive } from './pgbouncer/alive.ts'
import type { PooledDatabase } from './pgbouncer/databases.ts'
import type { PoolerLimits } from './pgbouncer/limits.ts'
import type { Families, FamilySpec } from './collection.ts'
import type { Sql } from './sql.ts'

/** What each probe's reading holds. */
export interface ReadingTypes {
  'postgres.alive': Alive
  'postgres.connect': Acceptance
  'postgres.identity': Identity
  'postgres.replication': Replication
  'postgres.writable': Writable
  'postgres.stop-cost': StopCost
  'postgres.activity': Families
  'postgres.databases': Families
  'postgres.tables': Families
  'postgres.locks': Families
  'postgres.checkpoints': Families
  'postgres.wal': Families
  'citus.versions': Versions
  'citus.local': LocalMetadata
  'citus.nodes': ClusterView
  'citus.peers': readonly Peer[]
  'citus.shards': Families
  'citus.transactions': Families
  'citus.background': Families
  'pgbouncer.alive': PoolerAlive
  'pgbouncer.databases': readonly PooledDatabase[]
  'pgbouncer.limits': PoolerLimits
}

export type ProbeName = keyof ReadingTypes

/** The connection a probe runs on: `verdict` and `probe` are held, `peers` and `coordinator` open on demand, `none` brings its own. */
export type SessionName = 'verdict' | 'probe' | 'peers' | 'coordinator' | 'none'

/** Why a probe has no value: the message, a SQLSTATE or errno name where there was one, and whether nobody answered. */
export interface ReadingError {
  readonly message: string
  readonly code: string | undefined
  readonly timedOut: boolean
}

/** The last result of one probe; times in milliseconds since 1970. */
export interface Reading<T> {
  readonly probe: ProbeName
  /** When the run began. */
  readonly begunAt: number
  /** When the run ended. */
  readonly takenAt: number
  readonly durationMs: number
  /** Of this run; undefined when it failed. */
  readonly value: T | undefined
  readonly error: ReadingError | undefined
  /** The last value there was, of this run or an earlier one. */
  readonly lastGood: { readonly value: T; readonly takenAt: number } | undefined
}

export type Readings = { readonly [K in ProbeName]?: Reading<ReadingTypes[K]> }

/** What a probe may use while it runs. */
export interface ProbeContext {
  readonly sql: Sql
  /** Opens and closes a new connection to the local server. @throws what the server or the socket said. */
  dial(signal: AbortSignal): Promise<void>
  /** A monotonic clock, milliseconds. */
  elapsed(): number
  readonly facts: NodeFacts
}

/** What this sidecar stands beside. */
export type NodeRole = 'coordinator' | 'worker' | 'standalone' | 'pooler'

/** What is known of the node when a probe is due. */
export interface NodeFacts {
  readonly role: NodeRole
  /** undefined while nobody could say. */
  readonly inRecovery: boolean | undefined
  /** server_version_num; undefined while nobody could say. */
  readonly version?: number | undefined
}

export interface Probe<N extends ProbeName = ProbeName> {
  readonly name: N
  readonly help: string
  readonly session: SessionName
  /** Milliseconds between runs; hints make them sooner. */
  readonly interval: number
  /** Milliseconds until the next run after one that failed so, where that is sooner. */
  retry?(error: ReadingError): number | undefined
  /** Milliseconds a run may take in all. */
  readonly timeout: number
  /** Metric families that come of it alone; they need no line in the table of metrics. */
  readonly families?: readonly FamilySpec[]
  /** Why it is not run on such a node; undefined where it is. */
  skip(facts: NodeFacts): string | undefined
  read(context: ProbeContext, signal: AbortSignal): Promise<ReadingTypes[N]>
}

/** What decides intervals and deadlines, milliseconds. */
export interface ProbeLimits {
  readonly frozenAfter: number
  readonly connectTimeout: number
  readonly statementTimeout: number
  readonly registrationInterval: number
  readonly peerInterval: number
  readonly heartbeatInterval: number
  /** Statement that writes a row on a primary, to see that writing works. */
  readonly writeStatement: string
}
