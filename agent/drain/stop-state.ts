// Phase keep: what the cluster was when this node stopped, on record, and compared when it is back.
import { z } from 'zod'
import type { Sql } from '../../probes/sql.ts'
import type { Step } from './step.ts'

const schema = z.object({
  takenAt: z.number(),
  systemIdentifier: z.string(),
  timeline: z.number(),
  lsn: z.string(),
  /** `group host:port role active` of every registered node. */
  nodes: z.array(z.string()),
  /** Shard placements by group. */
  placements: z.record(z.string(), z.number()),
  prepared: z.array(z.string()),
  /** Fingerprint of the settings that must not change unnoticed. */
  settings: z.record(z.string(), z.string()),
})

export type StopState = z.infer<typeof schema>

const watchedSettings = [
  'shared_preload_libraries',
  'wal_level',
  'max_prepared_transactions',
  'max_connections',
  'synchronous_standby_names',
  'synchronous_commit',
  'archive_mode',
  'archive_command',
  'fsync',
  'full_page_writes',
]

const plainSql = `
  select s.system_identifier::text as "systemIdentifier", c.timeline_id as timeline, pg_catalog.pg_current_wal_flush_lsn()::text as lsn,
         (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8 as "takenAt",
         coalesce((select pg_catalog.jsonb_agg(p.gid order by p.gid) from pg_catalog.pg_prepared_xacts p where p.database = pg_catalog.current_database()), '[]') as prepared,
         (select pg_catalog.jsonb_object_agg(g.name, g.setting) from pg_catalog.pg_settings g where g.name = any($1)) as settings
    from pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c`

const citusSql = `
  select coalesce((select pg_catalog.jsonb_agg(n.groupid || ' ' || n.nodename || ':' || n.nodeport || ' ' || n.noderole || case when n.isactive then ' active' else ' disabled' end order by n.nodeid)
                     from pg_catalog.pg_dist_node n), '[]') as nodes,
         coalesce((select pg_catalog.jsonb_object_agg(p.groupid, p.count) from (select groupid, count(*) from pg_catalog.pg_dist_placement group by groupid) p), '{}') as placements`

/** The state as it is now, by local catalogs alone. */
export async function readStopState(local: Sql, citus: boolean): Promise<StopState> {
  const [plain] = await local.query<object>(plainSql, [watchedSettings])
  const [cluster] = citus ? await local.query<object>(citusSql) : [{ nodes: [], placements: {} }]
  return schema.parse({ ...plain, ...cluster })
}

/** What is different now, one sentence each; an empty list: the cluster is what it was. */
export function differences(before: StopState, now: StopState): readonly string[] {
  const found: string[] = []
  if (before.systemIdentifier !== now.systemIdentifier)
    found.push(`system identifier was ${before.systemIdentifier} and is ${now.systemIdentifier}`)
  if (before.timeline !== now.timeline) found.push(`timeline was ${before.timeline} and is ${now.timeline}`)
  for (const node of before.nodes) if (!now.nodes.includes(node)) found.push(`node is gone or changed: ${node}`)
  for (const node of now.nodes) if (!before.nodes.includes(node)) found.push(`node is new or changed: ${node}`)
  for (const group of new Set([...Object.keys(before.placements), ...Object.keys(now.placements)])) {
    const [was, is] = [before.placements[group] ?? 0, now.placements[group] ?? 0]
    if (was !== is) found.push(`group ${group} had ${was} shard placements and has ${is}`)
  }
  for (const gid of before.prepared) if (!now.prepared.includes(gid)) found.push(`prepared transaction is gone: ${gid}`)
  for (const [name, was] of Object.entries(before.settings)) {
    const is = now.settings[name] ?? ''
    // archive_command can carry credentials; that it changed is enough.
    if (was !== is) found.push(name === 'archive_command' ? `${name} changed` : `${name} was "${was}" and is "${is}"`)
  }
  return found
}

/** A state that was kept; undefined where there is none or it is not readable. */
export function keptState(kept: unknown): StopState | undefined {
  return schema.safeParse(kept).data
}

// Without waiting for a synchronous standby: a missing one must not keep this node from stopping.
const keepSql = `
  with alone as materialized (select pg_catalog.set_config('synchronous_commit', 'local', true))
  update citus_sidecar.last_stop set state = $1::jsonb from alone`

export const keepState: Step = async ({ local, kind, keepState: keep }) => {
  const state = await readStopState(local, kind !== 'standalone')
  await local.query(keepSql, [JSON.stringify(state)])
  keep(state)
  return `at ${state.lsn} on timeline ${state.timeline}: ${state.nodes.length} nodes`
}
