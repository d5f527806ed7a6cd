// Phase keep: what the cluster was when this node stopped, on record, and compared when it is back.
import * as z from 'zod'
import type { Sql } from '../../probes/sql.ts'
import { reasonOf } from '../errors.ts'
import { LeftUndone, orLeave } from './step.ts'
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
  /** Whose state this is, of which drain and which run of the server (its start); a sidecar of the version before does not say. */
  node: z.string().optional(),
  operation: z.string().optional(),
  run: z.number().optional(),
  /** When it was compared with. */
  returnedAt: z.string().optional(),
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

const hashed = 'sha256:'

// archive_command can carry credentials, and this goes to the coordinator: that it changed is enough.
const plainSql = `
  select s.system_identifier::text as "systemIdentifier", c.timeline_id as timeline, pg_catalog.pg_current_wal_flush_lsn()::text as lsn,
         (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8 as "takenAt",
         (extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000)::float8 as run,
         coalesce((select pg_catalog.jsonb_agg(p.gid order by p.gid) from pg_catalog.pg_prepared_xacts p where p.database = pg_catalog.current_database()), '[]') as prepared,
         (select pg_catalog.jsonb_object_agg(g.name, case g.name when 'archive_command' then '${hashed}' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(g.setting, 'UTF8')), 'hex') else g.setting end)
            from pg_catalog.pg_settings g where g.name = any($1)) as settings
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
    if (name !== 'archive_command') {
      if (was !== is) found.push(`${name} was "${was}" and is "${is}"`)
      // A state that was kept by a sidecar of the version before has the command itself.
    } else if (was !== is && was.startsWith(hashed) === is.startsWith(hashed)) found.push(`${name} changed`)
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

export const keepState: Step = async ({ config, id, local, kind, keepState: keep }, signal) => {
  const late = (): string => 'the state was not kept in time'
  const read = await orLeave(late, signal, async () => await readStopState(local, kind !== 'standalone'))
  const state = { ...read, node: config.node, operation: id }
  // Each place by itself: either will do for the comparison.
  const [failed, refused] = await Promise.all([
    orLeave(late, signal, async () => await local.query(keepSql, [JSON.stringify(state)])).then(
      () => undefined,
      reasonOf,
    ),
    keep(state),
  ])
  if (failed !== undefined) throw new LeftUndone(`not in citus_sidecar.last_stop of this node: ${failed}`)
  const where = refused === undefined ? '' : `, on this node alone, for the ledger did not take it: ${refused}`
  return `at ${state.lsn} on timeline ${state.timeline}: ${state.nodes.length} nodes${where}`
}
