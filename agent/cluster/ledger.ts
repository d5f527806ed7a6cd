// The ledger on the coordinator, through its functions: members announce themselves and are read there.
import type { Sql } from '../../probes/sql.ts'
import { SidecarError } from '../errors.ts'
import type { Maintenance } from '../../probes/verdicts/verdict.ts'
import type { PoolerFacts } from './pooler-facts.ts'

/** A row of citus_sidecar.members; times in milliseconds since 1970. */
export interface Member {
  readonly name: string
  readonly role: string
  readonly host: string
  readonly port: number
  readonly groupId: number | null
  readonly nodeId: number | null
  readonly systemIdentifier: string | null
  readonly serverId: string | null
  readonly timeline: number | null
  readonly lsn: string | null
  readonly inRecovery: boolean
  readonly postgresVersion: string | null
  readonly citusVersion: string | null
  readonly sidecarVersion: string | null
  readonly state: string
  readonly ready: boolean
  readonly reason: string
  readonly maintenance: Maintenance | null
  readonly lagBytes: number | null
  readonly lastSeen: number
  /** How often it announces itself, seconds; null for a sidecar that does not say. */
  readonly heartbeatSeconds: number | null
  /** Where its sidecar serves pages, on the same host; null for a sidecar that does not say. */
  readonly httpPort: number | null
  /** What a pooler says of itself; null for all others. */
  readonly pooler: PoolerFacts | null
}

// heartbeat_seconds, http_port and pooler by way of JSON: a ledger that bootstrap has not upgraded yet has no such columns.
const columns = `
  m.name, m.role, m.host, m.port, m.group_id as "groupId", m.node_id as "nodeId", m.system_identifier as "systemIdentifier",
  m.server_id as "serverId", m.timeline, m.lsn::text, m.in_recovery as "inRecovery", m.postgres_version as "postgresVersion",
  m.citus_version as "citusVersion", m.sidecar_version as "sidecarVersion", m.state, m.ready, m.reason, m.maintenance,
  m.lag_bytes::float8 as "lagBytes", (extract(epoch from m.last_seen) * 1000)::float8 as "lastSeen",
  (to_jsonb(m)->>'heartbeat_seconds')::float8 as "heartbeatSeconds", (to_jsonb(m)->>'http_port')::integer as "httpPort",
  to_jsonb(m)->'pooler' as pooler`

/** All members, by name. @throws the server's error 42P01 or 3F000 where bootstrap has not run on the coordinator. */
export async function readMembers(sql: Sql): Promise<readonly Member[]> {
  return await sql.query<Member>(`select ${columns} from citus_sidecar.members m order by m.name`)
}

/** What a heartbeat says; identity is left out while it is refused, so that the ledger keeps the one it knows. */
export interface Announcement {
  readonly name: string
  readonly role: string
  readonly host: string
  readonly port: number
  readonly group_wanted: number | null
  readonly state: string
  readonly ready: boolean
  readonly reason: string
  readonly sidecar_version: string
  readonly maintenance: Maintenance | null
  readonly lag_bytes: number | null
  readonly heartbeat_seconds: number
  readonly http_port: number
  readonly pooler?: PoolerFacts
  /** The first one of this process: what an earlier one left open was cut off. */
  readonly first?: boolean
  readonly identity?: {
    readonly system_identifier: string
    readonly server_id: string | null
    readonly timeline: number
    readonly lsn: string
    readonly in_recovery: boolean
    readonly postgres_version: string
    readonly citus_version: string | null
    readonly group_id: number | null
    readonly node_id: number | null
  }
}

/** Writes a heartbeat and returns all members. @throws SQLSTATE 55000 when the identity contradicts the ledger, 23505 when the address is taken. */
export async function announce(sql: Sql, announcement: Announcement): Promise<readonly Member[]> {
  const { identity, ...rest } = announcement
  return await sql.query<Member>(`select ${columns} from citus_sidecar.announce($1::jsonb) m order by m.name`, [
    JSON.stringify({ ...rest, ...identity }),
  ])
}

/** Takes a pooler off the list of members, so that no hold waits for it. */
export async function leavePooler(sql: Sql, name: string): Promise<void> {
  await sql.query('select citus_sidecar.leave_pooler($1)', [name])
}

/** Forgets the identity the ledger knows of a member: a person accepted what is now. */
export async function acceptMember(sql: Sql, name: string): Promise<void> {
  await sql.query('select citus_sidecar.accept_member($1)', [name])
}

/** Removes lost members with this member's identity: they were this node under another name. @throws CONTROL_REFUSED when one is alive. */
export async function takeOver(
  sql: Sql,
  name: string,
  identity: { readonly systemIdentifier: string; readonly timeline: number },
): Promise<void> {
  const rows = await sql.query<{ name: string }>('select citus_sidecar.take_over_members($1, $2, $3) as name', [
    name,
    identity.systemIdentifier,
    identity.timeline,
  ])
  if (rows.length === 0) return
  const alive = rows.map((row) => row.name).join(', ')
  throw new SidecarError(
    'CONTROL_REFUSED',
    `${alive} has the identity of this volume and is not lost: stop its sidecar, wait until \`citus-sidecar status\` says lost, and accept again`,
  )
}

/** Who answers at an address, as the coordinator sees it. */
export interface IdentityThere {
  readonly error?: string
  readonly systemIdentifier?: string
  readonly inRecovery?: boolean
}

/** Asks the coordinator who answers at a member's address. */
export async function identityAt(sql: Sql, host: string, port: number): Promise<IdentityThere> {
  const [row] = await sql.query<{ found: IdentityThere }>('select citus_sidecar.identity_at($1, $2) as found', [
    host,
    port,
  ])
  return row?.found ?? { error: 'no answer' }
}

/** The calls that change Citus metadata; each takes the member's name and what else the ledger does not know. */
export const actions = {
  add: 'select citus_sidecar.register($1)',
  activate: 'select citus_sidecar.activate($1)',
  'update-address': 'select citus_sidecar.update_address($1)',
  'follow-promotion': 'select citus_sidecar.update_address($1)',
  'set-coordinator-host': 'select citus_sidecar.set_coordinator_host($1)',
  'add-secondary': 'select citus_sidecar.register_secondary($1, $2)',
} as const

export type ActionName = keyof typeof actions

/** One line of citus_sidecar.operations. */
export interface OperationRecord {
  readonly id: string
  readonly member: string
  readonly kind: string
  readonly phase: string
  readonly outcome: string | null
  readonly reason: string | null
  /** Of its trace, where traces are on. */
  readonly traceparent?: string
}

/** Keeps an operation on record. */
export async function recordOperation(sql: Sql, operation: OperationRecord): Promise<void> {
  await sql.query('select citus_sidecar.record_operation($1::jsonb)', [JSON.stringify(operation)])
}
