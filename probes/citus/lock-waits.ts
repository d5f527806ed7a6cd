// Waits for locks that this node knows of, as the one that has the lock: those across nodes are in nobody's pg_locks.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Waits for locks of distributed transactions. */
export const lockWaits = {
  name: 'citus.lock-waits',
  help: 'Distributed transactions that wait for a lock on this node.',
  interval: 15_000,
  where: { citus: '11.0', primary: true },
  sql: () => `
  select count(*)::float8 as waits, count(distinct w.waiting_global_pid)::float8 as waiting, count(distinct w.blocking_global_pid)::float8 as blocking,
         count(distinct w.waiting_global_pid) filter (where w.waiting_node_id is distinct from w.blocking_node_id)::float8 as across
    from pg_catalog.citus_internal_local_blocked_processes() w`,
  families: [
    gauge(
      'citus_lock_waits',
      'Edges from a transaction that waits for a lock on this node to one that has it.',
      'waits',
    ),
    gauge('citus_lock_waiting_transactions', 'Transactions that wait.', 'waiting'),
    gauge('citus_lock_blocking_transactions', 'Transactions that they wait for.', 'blocking'),
    gauge(
      'citus_lock_waiting_transactions_across_nodes',
      'Transactions that wait for one that another node began.',
      'across',
    ),
  ],
} as const satisfies Collection
