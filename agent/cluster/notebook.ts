// The notebook: one row on each primary with what this node knows of itself, so that a restarted sidecar knows it too.
import type { ClusterNode } from '../../probes/citus/nodes.ts'
import type { Sql } from '../../probes/sql.ts'
import type { Maintenance } from '../../probes/verdicts/verdict.ts'
import type { JoinFacts } from './facts.ts'

export interface Notebook {
  /** The node that last wrote here; another name means a copied volume or a promoted standby. */
  readonly name: string | undefined
  readonly systemIdentifier: string | undefined
  readonly timeline: number | undefined
  readonly groupId: number | undefined
  readonly nodeId: number | undefined
  readonly coordinatorSystemIdentifier: string | undefined
  readonly coordinatorServerId: string | undefined
  /** When the coordinator last confirmed this node, milliseconds since 1970. */
  readonly verifiedAt: number | undefined
  readonly maintenance: Maintenance | undefined
}

type Row = { readonly [K in keyof Notebook]: NonNullable<Notebook[K]> | null }

const readSql = `
  select n.name, n.system_identifier as "systemIdentifier", n.timeline, n.group_id as "groupId", n.node_id as "nodeId",
         n.coordinator_system_identifier as "coordinatorSystemIdentifier", n.coordinator_server_id as "coordinatorServerId",
         (extract(epoch from n.verified_at) * 1000)::float8 as "verifiedAt", n.maintenance
    from citus_sidecar.notebook n`

/** Reads the notebook. @throws the server's error 42P01 or 3F000 where bootstrap has not run. */
export async function readNotebook(sql: Sql): Promise<Notebook> {
  const [row] = await sql.query<Row>(readSql)
  if (row === undefined)
    throw new Error('citus_sidecar.notebook has no row; run `citus-sidecar bootstrap` on this node')
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value ?? undefined])) as unknown as Notebook
}

const verifiedSql = `
  update citus_sidecar.notebook
     set name = $1, system_identifier = $2, timeline = $3, lsn = $4::pg_lsn, group_id = $5, node_id = $6,
         coordinator_system_identifier = $7, coordinator_server_id = $8, verified_at = to_timestamp($9::float8 / 1000),
         maintenance = case when name <> $1 then null else maintenance end`

/** What one verification writes down. */
export interface Verification {
  readonly name: string
  readonly systemIdentifier: string
  readonly timeline: number
  readonly lsn: string
  readonly groupId: number
  readonly nodeId: number
  readonly coordinatorSystemIdentifier: string
  readonly coordinatorServerId: string | undefined
  readonly verifiedAt: number
}

/** Writes down that the coordinator confirmed this node; another node's maintenance switch does not come with its volume. */
export async function writeVerification(sql: Sql, found: Verification): Promise<void> {
  const values = [
    found.name,
    found.systemIdentifier,
    found.timeline,
    found.lsn,
    found.groupId,
    found.nodeId,
    found.coordinatorSystemIdentifier,
    found.coordinatorServerId ?? null,
    found.verifiedAt,
  ]
  await sql.query(verifiedSql, values)
}

/** Forgets identity and verification, because a person accepted what is now. */
export async function forgetVerification(sql: Sql): Promise<void> {
  await sql.query(`
    update citus_sidecar.notebook set name = null, system_identifier = null, timeline = null, lsn = null, group_id = null, node_id = null,
           coordinator_system_identifier = null, coordinator_server_id = null, verified_at = null`)
}

/** Writes down the maintenance switch. */
export async function writeMaintenance(sql: Sql, maintenance: Maintenance): Promise<void> {
  await sql.query('update citus_sidecar.notebook set maintenance = $1::jsonb', [JSON.stringify(maintenance)])
}

/** The branch points of a timeline as its history file lists them, empty where there is none. */
export async function readTimelineHistory(sql: Sql, timeline: number): Promise<string> {
  const [row] = await sql.query<{ history: string | null }>('select citus_sidecar.timeline_history($1) as history', [
    timeline,
  ])
  return row?.history ?? ''
}

/** What a verification of these facts writes down; `at` in milliseconds since 1970. */
export function verificationOf(facts: JoinFacts, node: ClusterNode, at: number): Verification {
  const { self, view } = facts
  const { systemIdentifier, timeline, lsn } = self.identity
  return {
    name: self.name,
    systemIdentifier,
    timeline,
    lsn,
    groupId: node.groupId,
    nodeId: node.nodeId,
    coordinatorSystemIdentifier: view.coordinator.systemIdentifier,
    coordinatorServerId: view.coordinator.serverId,
    verifiedAt: at,
  }
}
