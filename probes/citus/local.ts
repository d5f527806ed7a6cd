// What this node itself believes of the cluster: its group, its server id, the coordinator it knows, its maintenance daemon.
import type { NodeRole, Probe, ProbeLimits } from '../probe.ts'

export interface LocalMetadata {
  /** Start of the postmaster that said so, milliseconds since 1970. */
  readonly startedAt: number
  /** 0: the coordinator, or never registered. */
  readonly groupId: number
  readonly serverId: string | undefined
  /** Rows of pg_dist_placement in this node's copy of the metadata. */
  readonly placements: number
  /** Rows of pg_dist_node in this node's copy. */
  readonly nodes: number
  /** Address of this group's primary as this node knows it. */
  readonly groupPrimary: { readonly host: string; readonly port: number } | undefined
  readonly daemonRunning: boolean
}

interface Row {
  readonly startedAt: number
  readonly groupId: number | null
  readonly serverId: string | null
  readonly placements: number
  readonly nodes: number
  readonly primaryHost: string | null
  readonly primaryPort: number | null
  readonly daemonRunning: boolean
}

const sql = `
  select (extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000)::float8 as "startedAt", own.groupid as "groupId",
         (select m.metadata->>'server_id' from pg_catalog.pg_dist_node_metadata m) as "serverId",
         (select count(*)::int from pg_catalog.pg_dist_placement) as placements,
         (select count(*)::int from pg_catalog.pg_dist_node) as nodes,
         leader.nodename as "primaryHost", leader.nodeport as "primaryPort",
         exists (select from pg_catalog.pg_stat_activity a
                  where a.application_name = 'Citus Maintenance Daemon' and a.datname = pg_catalog.current_database()) as "daemonRunning"
    from (select (select l.groupid from pg_catalog.pg_dist_local_group l) as groupid) own
    left join pg_catalog.pg_dist_node leader on leader.groupid = own.groupid and leader.noderole = 'primary'`

/** Whether a node of this role is the coordinator by its own metadata, which know better; a node that was never registered has none. */
export function isCoordinator(role: NodeRole, found: LocalMetadata | undefined): boolean {
  return found === undefined || found.nodes === 0 ? role === 'coordinator' : found.groupId === 0
}

/** Group, server id and maintenance daemon as this node sees them. */
export function local(limits: ProbeLimits): Probe<'citus.local'> {
  return {
    name: 'citus.local',
    help: "This node's own Citus metadata: group, server id, placements, maintenance daemon.",
    session: 'probe',
    interval: 10_000,
    timeout: limits.statementTimeout,
    skip: (facts) => (facts.role === 'standalone' ? 'role standalone' : undefined),
    read: async (context) => {
      const [row] = await context.sql.query<Row>(sql)
      if (row === undefined) throw new Error('the server answered without a row')
      const { primaryHost: host, primaryPort: port } = row
      return {
        startedAt: row.startedAt,
        groupId: row.groupId ?? 0,
        serverId: row.serverId ?? undefined,
        placements: row.placements,
        nodes: row.nodes,
        groupPrimary: host === null || port === null ? undefined : { host, port },
        daemonRunning: row.daemonRunning,
      }
    },
  }
}
