// Why a node is not removed: every reason with what to do about it; the codes are API (docs/errors.md).

export const refusals = {
  'unknown-node': 'name one of those that there are',
  coordinator: 'the coordinator is the cluster: it cannot be removed',
  'not-registered': 'there is nothing to remove: lower the replicas, or stop it',
  'leaves-gap':
    'a StatefulSet gives up its highest ordinal first: remove that one, or add --allow-gap if no StatefulSet runs this node',
  'another-removal': 'wait until it has ended, or cancel it',
  'rebalance-runs': 'wait until it has ended, or stop it with `select citus_rebalance_stop()` on the coordinator',
  'node-unreachable': 'bring it back: every node has to take note of a removal',
  'node-unsynced': 'wait for the maintenance daemon of the coordinator; if it stays, look for nodes it cannot reach',
  'dead-with-shards': 'bring the node or its volume back: what is listed is nowhere else; nothing is given up here',
  'dead-unsettled':
    'bring the node back, or decide by hand on each server named: commit prepared or rollback prepared, the same for all parts of one transaction',
  'nowhere-to-go': "let another node have shards: citus_set_node_property(host, port, 'shouldhaveshards', true)",
  'no-room':
    'give the other nodes more disk space; Citus keeps citus.desired_percent_disk_available_after_move of it free',
  'no-replica-identity':
    'give them a primary key or a replica identity, or add --transfer-mode block_writes (writes to a shard wait while it is copied) or force_logical (updates and deletes fail meanwhile)',
  'unlogged-tables': 'make them logged, or add --transfer-mode block_writes',
  'foreign-tables': 'Citus moves no shards of foreign tables: undistribute or drop them',
  'replicated-shards': 'Citus drains no node whose shards have several copies: bring them to one copy first',
  'replication-settings':
    'raise it on that node (this needs a restart), free what is in use, or add --transfer-mode block_writes',
} as const satisfies Record<string, string>

export type RefusalCode = keyof typeof refusals

export interface Refusal {
  readonly code: RefusalCode
  /** One sentence: what was found. */
  readonly reason: string
  readonly action: string
}

/** A refusal with its row of the table. */
export function refusal(code: RefusalCode, reason: string): Refusal {
  return { code, reason, action: refusals[code] }
}

/** As many names as a person reads, and how many more there are. */
export function listed(names: readonly string[], most = 20): string {
  const more = names.length - most
  return more <= 0 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${more} more`
}
