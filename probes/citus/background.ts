// What Citus does in the background, as the coordinator has it on record: jobs, their tasks, what is still to be cleaned up.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

// A row for each sample, which has a value in the column of its own family alone.
const sql = `
  select j.state::text as state, j.job_type::text as type, null as status, null as object_type, count(*)::float8 as jobs, null::float8 as tasks,
         null::float8 as records, null::float8 as lost
    from pg_catalog.pg_dist_background_job j group by 1, 2
  union all
  select null, null, t.status::text, null, null, count(*)::float8, null, null from pg_catalog.pg_dist_background_task t group by 3
  union all
  select null, null, null, c.object_type::text, null, null, count(*)::float8,
         count(*) filter (where not exists (select from pg_catalog.pg_dist_node n where n.groupid = c.node_group_id))::float8
    from pg_catalog.pg_dist_cleanup c group by 4`

/** Background work of the coordinator. */
export const background = {
  name: 'citus.background',
  help: 'Background jobs and tasks of Citus, and objects that are still to be cleaned up.',
  interval: 30_000,
  where: { citus: true, coordinator: true, primary: true },
  sql: () => sql,
  families: [
    gauge('citus_background_jobs', 'Background jobs on record by state.', 'jobs', ['state', 'type']),
    gauge('citus_background_tasks', 'Their tasks by status.', 'tasks', ['status']),
    gauge(
      'citus_cleanup_records',
      'Objects that moves and splits of shards left and that are still to be dropped.',
      'records',
      ['object_type'],
    ),
    gauge(
      'citus_cleanup_records_lost_group',
      'Those of them on a node that is registered no more: nobody will drop them.',
      'lost',
      ['object_type'],
    ),
  ],
} as const satisfies Collection
