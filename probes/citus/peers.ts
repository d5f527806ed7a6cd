// Can this node reach the others, tried as Citus itself connects; one after the other, in the background, never in a verdict's way.
import type { Probe, ProbeLimits } from '../probe.ts'

export interface Peer {
  readonly host: string
  readonly port: number
  readonly groupId: number
  readonly reachable: boolean
  /** How long the attempt took, milliseconds. */
  readonly durationMs: number
}

const peersSql = `
  select n.nodename as host, n.nodeport as port, n.groupid as "groupId"
    from pg_catalog.pg_dist_node n
   where n.isactive and n.noderole = 'primary' and n.groupid <> (select l.groupid from pg_catalog.pg_dist_local_group l)
   order by n.groupid limit 256`

/** A silent host must not cost Citus' default of 30 s. */
const connectionLimit = "set citus.node_connection_timeout = '5s'"

/** Reachability of the other nodes; citus_check_cluster_node_health is never used: it tries every pair in one session. */
export function peers(limits: ProbeLimits): Probe<'citus.peers'> {
  return {
    name: 'citus.peers',
    help: 'Whether this node reaches the other active nodes, and how long that takes.',
    session: 'peers',
    interval: limits.peerInterval,
    timeout: 120_000,
    skip: (facts) => {
      if (facts.role === 'standalone') return 'role standalone'
      return facts.inRecovery === true ? 'this node is a standby' : undefined
    },
    read: async (context, signal) => {
      await context.sql.query(connectionLimit)
      const list = await context.sql.query<{ host: string; port: number; groupId: number }>(peersSql)
      const found: Peer[] = []
      for (const peer of list) {
        signal.throwIfAborted()
        const start = context.elapsed()
        const [row] = await context.sql.query<{ reachable: boolean }>(
          'select pg_catalog.citus_check_connection_to_node($1, $2) as reachable',
          [peer.host, peer.port],
        )
        found.push({ ...peer, reachable: row?.reachable === true, durationMs: context.elapsed() - start })
      }
      return found
    },
  }
}
