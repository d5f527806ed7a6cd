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
import type { FamilyReading, FamilySpec, Row } from './collection.ts'
import type { CollectionName } from './collections.ts'
import type { Sql } from './sql.ts'

interface ProbeReadings {
  'postgres.alive': Alive
  'postgres.connect': Acceptance
  'postgres.identity': Identity
  'postgres.replication': Replication
  'postgres.writable': Writable
  'postgres.stop-cost': StopCost
  'citus.versions': Versions
  'citus.local': LocalMetadata
  'citus.nodes': ClusterView
  'citus.peers': readonly Peer[]
  'pgbouncer.alive': PoolerAlive
  'pgbouncer.databases': readonly PooledDatabase[]
  'pgbouncer.limits': PoolerLimits
}

/** The probe of a query that the user brings. */
export type QueryName = `query.${string}`

/** What each probe's reading holds. */
export type ReadingTypes = ProbeReadings & Readonly<Record<CollectionName | QueryName, FamilyReading>>

export type ProbeName = keyof ReadingTypes

/** The connection a probe runs on: `verdict`, `probe`, `queries` and `pgbouncer` are held, `peers`, `sizes` and `coordinator` open on demand, `none` brings its own. */
export type SessionName = 'verdict' | 'probe' | 'queries' | 'pgbouncer' | 'peers' | 'sizes' | 'coordinator' | 'none'

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
  /** How long it waited for its turn on the connection before that. */
  readonly waitedMs: number
  /** Of this run; undefined when it failed. */
  readonly value: T | undefined
  readonly error: ReadingError | undefined
  /** The last value there was, of this run or an earlier one. */
  readonly lastGood: { readonly value: T; readonly takenAt: number } | undefined
  /** Runs that failed since then. */
  readonly failures: number
}

export type Readings = { readonly [K in ProbeName]?: Reading<ReadingTypes[K]> }

/** What another database answered; rows are undefined where it would not. */
export interface RowsElsewhere {
  readonly database: string
  readonly rows: readonly Row[] | undefined
}

/** What a probe may use while it runs. */
export interface ProbeContext {
  readonly sql: Sql
  /** Opens and closes a new connection to the local server. @throws what the server or the socket said. */
  dial(signal: AbortSignal): Promise<void>
  /** Asks each other database that is to be told of, one after the other. */
  elsewhere(text: string): Promise<readonly RowsElsewhere[]>
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
  /** Whether its group is that of the coordinator; undefined while nobody could say. */
  readonly coordinator?: boolean | undefined
  /** Version of the Citus library, such as 13.2.2; undefined while nobody could say. */
  readonly citus?: string | undefined
  /** Extensions in the database; undefined while nobody could say. */
  readonly extensions?: readonly string[] | undefined
  /** Whether the address of a PgBouncer is known whose console is asked. */
  readonly pgbouncer?: boolean
}

export interface Probe<N extends ProbeName = ProbeName> {
  readonly name: N
  readonly help: string
  readonly session: SessionName
  /** Milliseconds between runs; hints make them sooner. */
  readonly interval: number
  /** Milliseconds until the next run after one that failed so, as so many did in a row; the interval where undefined. */
  retry?(error: ReadingError, inARow: number): number | undefined
  /** Milliseconds a run may take in all. */
  readonly timeout: number
  /** Metric families that come of it alone; they need no line in the table of metrics. */
  readonly families?: readonly FamilySpec[]
  /** What postgres_exporter calls its collector of the same. */
  readonly collector?: string
  /** Why it is not run on such a node; undefined where it is. */
  skip(facts: NodeFacts): string | undefined
  read(context: ProbeContext, signal: AbortSignal): Promise<ReadingTypes[N]>
}

/** What lies in files, as far as it is mounted here: two directories of PostgreSQL, files with certificates, a program. */
export interface ProbePaths {
  readonly data: string | undefined
  readonly log: string | undefined
  readonly certificates: readonly string[]
  readonly pgbackrest: string | undefined
}

/** What decides intervals and deadlines, milliseconds. */
export interface ProbeLimits {
  readonly frozenAfter: number
  readonly connectTimeout: number
  readonly statementTimeout: number
  readonly registrationInterval: number
  readonly peerInterval: number
  readonly heartbeatInterval: number
  /** Series of a family that are told each by itself. */
  readonly maxSeries: number
  /** Whether families under the names of postgres_exporter are told. */
  readonly pgMetrics: boolean
  /** Whether the text of statements is told. */
  readonly statementText: boolean
  /** Whether tenants are told by name. */
  readonly tenants: boolean
  /** Statement that writes a row on a primary, to see that writing works. */
  readonly writeStatement: string
  readonly paths: ProbePaths
}
