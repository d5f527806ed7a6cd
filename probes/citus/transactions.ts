// Two-phase commits of Citus that wait on this node for their initiator, and what its recovery still has to look at.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

// citus_<group>_<pid>_<transaction>_<connection>: who began it is in the name.
const sql = `
  select g.initiator as initiator_group, g.count, g.oldest, case when row_number() over () = 1 then r.records end as records
    from (select (select count(*)::float8 from pg_catalog.pg_dist_transaction) as records) r
    left join (select split_part(x.gid, '_', 2) as initiator, count(*)::float8 as count, extract(epoch from min(x.prepared))::float8 as oldest
                 from pg_catalog.pg_prepared_xacts x
                where x.gid ~ '^citus_[0-9]+_' and x.database = pg_catalog.current_database() group by 1) g on true
   order by g.oldest`

/** Two-phase commits in doubt on this node. */
export const transactions = {
  name: 'citus.transactions',
  help: 'Two-phase commits prepared here by the group that began them, and records that recovery has still to look at.',
  interval: 15_000,
  where: { citus: true },
  sql: () => sql,
  families: [
    gauge(
      'citus_prepared_transactions',
      'Two-phase commits prepared on this node, by the group that began them.',
      'count',
      ['initiator_group'],
    ),
    gauge('citus_oldest_prepared_transaction_timestamp_seconds', 'When the oldest of these was prepared.', 'oldest', [
      'initiator_group',
    ]),
    gauge(
      'citus_transaction_records',
      'Records of two-phase commits that this node began and its recovery has not removed.',
      'records',
    ),
  ],
} as const satisfies Collection
