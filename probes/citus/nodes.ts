// Who is registered, asked of the coordinator alone: a removed node's own copy still says it is active.
import type { Probe, ProbeLimits } from '../probe.ts'

/** One row of pg_dist_node on the coordinator. */
export interface ClusterNode {
  readonly nodeId: number
  readonly groupId: number
  readonly host: string
  readonly port: number
  readonly role: string
  readonly cluster: string
  readonly active: boolean
  readonly hasMetadata: boolean
  readonly metadataSynced: boolean
  readonly shouldHaveShards: boolean
  readonly placements: number
}

export interface ClusterView {
  readonly coordinator: {
    readonly systemIdentifier: string
    readonly serverId: string | undefined
    readonly groupId: number
    readonly inRecovery: boolean
  }
  readonly nodes: readonly ClusterNode[]
}

interface CoordinatorRow {
  readonly systemIdentifier: string
  readonly serverId: string | null
  readonly groupId: number | null
  readonly inRecovery: boolean
}

const coordinatorSql = `
  select control.system_identifier::text as "systemIdentifier",
         (select m.metadata->>'server_id' from pg_catalog.pg_dist_node_metadata m) as "serverId",
         (select l.groupid from pg_catalog.pg_dist_local_group l) as "groupId",
         pg_catalog.pg_is_in_recovery() as "inRecovery"
    from pg_catalog.pg_control_system() control`

/** All rows of pg_dist_node, as the coordinator has them. */
export const nodesSql = `
  select n.nodeid as "nodeId", n.groupid as "groupId", n.nodename as host, n.nodeport as port, n.noderole::text as role,
         n.nodecluster::text as cluster, n.isactive as active, n.hasmetadata as "hasMetadata",
         n.metadatasynced as "metadataSynced", n.shouldhaveshards as "shouldHaveShards",
         (select count(*)::int from pg_catalog.pg_dist_placement p where p.groupid = n.groupid) as placements
    from pg_catalog.pg_dist_node n
   order by n.groupid, n.nodeid`

/** The coordinator's own list of nodes. */
export function nodes(limits: ProbeLimits): Probe<'citus.nodes'> {
  return {
    name: 'citus.nodes',
    help: "The coordinator's list of nodes: registered, active, metadata in sync.",
    session: 'coordinator',
    interval: limits.registrationInterval,
    timeout: limits.connectTimeout + 2 * limits.statementTimeout,
    skip: (facts) => (facts.role === 'standalone' ? 'role standalone' : undefined),
    read: async (context) => {
      const [row] = await context.sql.query<CoordinatorRow>(coordinatorSql)
      if (row === undefined) throw new Error('the coordinator answered without a row')
      const list = await context.sql.query<ClusterNode>(nodesSql)
      return { coordinator: { ...row, serverId: row.serverId ?? undefined, groupId: row.groupId ?? 0 }, nodes: list }
    },
  }
}
