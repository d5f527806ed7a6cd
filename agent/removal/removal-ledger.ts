// Removals as the ledger on the coordinator has them, how far each has come in the catalogs, and the calls that carry it on.
import type { Sql } from '../../probes/sql.ts'
import { overStates } from '../cluster/schema-removal-steps.ts'
import type { JobState, RemovalOutcome } from './next-step.ts'
import type { Progress } from './progress.ts'
import type { TransferMode } from './rules.ts'
import type { Prepared } from './survey.ts'

/** One removal and how far it has come. */
export interface Removal {
  readonly id: string
  readonly member: string
  readonly nodeId: number
  readonly groupId: number
  readonly host: string
  readonly port: number
  readonly transferMode: TransferMode
  readonly allowGap: boolean
  readonly cancelled: boolean
  readonly hadShards: boolean | null
  readonly starts: number
  readonly phase: string
  /** How long it has been in this phase, milliseconds by the coordinator's clock. */
  readonly phaseMs: number
  readonly reason: string
  readonly progress: Progress | null
  /** How long ago the coordinator's sidecar last said anything of it, milliseconds; null when it never did. */
  readonly toldMs: number | null
  readonly outcome: RemovalOutcome | null
  readonly node: { readonly shouldHaveShards: boolean } | null
  readonly shards: number
  readonly job: JobState
  /** What a move that is tried again failed for. */
  readonly trouble: string | null
  readonly otherJob: boolean
  /** Shards that were moved and are still to be dropped on the node. */
  readonly leftovers: number
  /** Milliseconds since 1970. */
  readonly requestedAt: number
  /** Of its own span, where the coordinator's sidecar makes one. */
  readonly traceparent: string | null
}

const over = overStates.map((state) => `'${state}'`).join(', ')

// traceparent by way of JSON: a ledger that bootstrap has not upgraded yet has no such column.
const columns = `
  r.id, r.member, r.node_id as "nodeId", r.group_id as "groupId", r.host, r.port, r.transfer_mode as "transferMode", r.allow_gap as "allowGap",
  r.cancelled_at is not null as cancelled, r.had_shards as "hadShards", r.starts, r.phase, r.reason, r.progress, r.outcome,
  (extract(epoch from pg_catalog.clock_timestamp() - r.phase_at) * 1000)::float8 as "phaseMs",
  (extract(epoch from pg_catalog.clock_timestamp() - r.told_at) * 1000)::float8 as "toldMs",
  case when n.nodeid is not null then pg_catalog.jsonb_build_object('shouldHaveShards', n.shouldhaveshards) end as node,
  case when n.noderole = 'primary' then (select count(*)::int from citus_sidecar.shards_of_group(r.group_id)) else 0 end as shards,
  coalesce((select case when j.state::text in (${over}) then j.state::text else 'active' end
              from pg_catalog.pg_dist_background_job j where j.job_id = r.job_id), 'none') as job,
  (select pg_catalog.left(t.message, 1000) from pg_catalog.pg_dist_background_task t
    where t.job_id = r.job_id and t.retry_count > 0 and t.status::text not in ('done', 'cancelled') order by t.task_id limit 1) as trouble,
  exists (select from pg_catalog.pg_dist_background_job j
           where j.job_type = 'rebalance' and j.state::text not in (${over}) and j.job_id is distinct from r.job_id) as "otherJob",
  (select count(*)::int from pg_catalog.pg_dist_cleanup c where c.node_group_id = r.group_id) as leftovers,
  (extract(epoch from r.requested_at) * 1000)::float8 as "requestedAt", to_jsonb(r)->>'traceparent' as traceparent`

const from = 'from citus_sidecar.removals r left join pg_catalog.pg_dist_node n on n.nodeid = r.node_id'

/** The one removal that is open, if any. */
export async function openRemoval(sql: Sql): Promise<Removal | undefined> {
  const [row] = await sql.query<Removal>(`select ${columns} ${from} where r.outcome is null`)
  return row
}

/** One removal by its id. */
export async function readRemoval(sql: Sql, id: string): Promise<Removal | undefined> {
  const [row] = await sql.query<Removal>(`select ${columns} ${from} where r.id = $1`, [id])
  return row
}

/** The last removal of a member, by its name. */
export async function lastRemoval(sql: Sql, member: string): Promise<Removal | undefined> {
  const [row] = await sql.query<Removal>(
    `select ${columns} ${from} where r.member = $1 order by r.requested_at desc limit 1`,
    [member],
  )
  return row
}

/** Opens the removal of a node, or finds the one that is open for it; returns its id. @throws SQLSTATE 55006 while another goes on. */
export async function requestRemoval(
  sql: Sql,
  request: {
    readonly id: string
    readonly member: string
    readonly node_id: number
    readonly transfer_mode: TransferMode
    readonly allow_gap: boolean
  },
): Promise<string> {
  const [row] = await sql.query<{ id: string }>('select id from citus_sidecar.request_removal($1::jsonb)', [
    JSON.stringify(request),
  ])
  if (row === undefined) throw new Error(`the removal of ${request.member} was not opened`)
  return row.id
}

/** Takes the removal of a node back; undefined where there is none to take back. */
export async function cancelRemoval(sql: Sql, nodeId: number): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>('select id from citus_sidecar.cancel_removal($1)', [nodeId])
  return row?.id
}

/** What the coordinator's sidecar says of a removal. */
export interface RemovalNote {
  readonly id: string
  readonly phase: string
  readonly reason: string
  readonly progress?: Progress
  readonly outcome?: RemovalOutcome
  readonly traceparent?: string
}

export async function noteRemoval(sql: Sql, note: RemovalNote): Promise<void> {
  await sql.query('select citus_sidecar.note_removal($1::jsonb)', [JSON.stringify(note)])
}

/** The calls that carry a removal on; each can be made again. */
export const removalCalls = {
  'shards-off': 'select citus_sidecar.removal_shards_off($1)',
  'shards-on': 'select citus_sidecar.removal_shards_on($1)',
  start: 'select citus_sidecar.removal_start($1)',
  stop: 'select citus_sidecar.removal_stop($1)',
  drop: 'select citus_sidecar.removal_drop($1)',
} as const

/** Prepared transactions of the node that wait on any node; those that can be are settled before. */
export async function unsettled(sql: Sql, id: string): Promise<Prepared> {
  const ask = async (recover: boolean): Promise<Prepared> => {
    const [row] = await sql.query<{ found: Prepared }>('select citus_sidecar.removal_unsettled($1, $2) as found', [
      id,
      recover,
    ])
    return row?.found ?? { left: [], silent: [] }
  }
  const found = await ask(false)
  return found.left.length === 0 ? found : await ask(true)
}

/** Bytes of what is still to be moved, and of what of it has been copied; undefined where nobody says. */
export async function readBytes(
  sql: Sql,
  { id, host, port }: Removal,
): Promise<{ readonly left: number; readonly copied: number; readonly now: string } | undefined> {
  const [size] = await sql.query<{ bytes: number | null }>('select citus_sidecar.removal_bytes($1)::float8 as bytes', [
    id,
  ])
  const [move] = await sql.query<{ copied: number; now: string | null }>(
    `select coalesce(sum(least(p.target_shard_size, p.source_shard_size)), 0)::float8 as copied,
            min(p.table_name || ' ' || p.shardid || ' to ' || p.targetname || ':' || p.targetport || coalesce(': ' || p.status, '')) as now
       from pg_catalog.get_rebalance_progress() p where p.sourcename = $1 and p.sourceport = $2 and p.progress = 1`,
    [host, port],
  )
  if (size?.bytes === null || size === undefined) return undefined
  return { left: size.bytes, copied: move?.copied ?? 0, now: move?.now ?? '' }
}

/** Names of members that were removed and are forgotten now. */
export async function forgetRemoved(sql: Sql): Promise<readonly string[]> {
  const rows = await sql.query<{ name: string }>('select citus_sidecar.forget_removed() as name')
  return rows.map(({ name }) => name)
}
