// What the metadata say, as small numbers and as fingerprints: nodes whose fingerprints differ do not know the same cluster.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

// Not what may differ: the placements' order, whether a node is in sync, the time.
const nodes = `select string_agg(concat_ws(' ', n.nodeid, n.groupid, n.nodename, n.nodeport, n.noderole, n.isactive, n.shouldhaveshards), ',' order by n.nodeid) from pg_catalog.pg_dist_node n`
const tables = `select string_agg(concat_ws(' ', ns.nspname, c.relname, p.partmethod, p.colocationid, p.repmodel), ',' order by ns.nspname, c.relname)
       from pg_catalog.pg_dist_partition p join pg_catalog.pg_class c on c.oid = p.logicalrelid join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace`
// Shards of tables that are on this node alone are in no other's metadata.
const shards = `select string_agg(concat_ws(' ', s.shardid, s.shardminvalue, s.shardmaxvalue, p.groupid), ',' order by s.shardid, p.groupid)
       from pg_catalog.pg_dist_shard s join pg_catalog.pg_dist_placement p using (shardid)`

/** Fingerprints of the metadata. */
export const fingerprints = {
  name: 'citus.fingerprints',
  help: 'Fingerprints of the metadata and of settings that must agree, to be compared between nodes.',
  interval: 60_000,
  where: { citus: true },
  sql: () => `
  select f.part, left(md5(coalesce(f.text, '')), 12) as fingerprint, 1 as here
    from (select 'nodes' as part, (${nodes}) as text
          union all select 'tables', (${tables})
          union all select 'shards', (${shards})
          union all select 'settings', (select string_agg(s.name || '=' || s.setting, ',' order by s.name) from pg_catalog.pg_settings s
            where s.name in ('block_size', 'lc_collate', 'server_encoding', 'max_identifier_length', 'integer_datetimes', 'citus.shard_count', 'citus.shard_replication_factor',
                             'citus.enable_metadata_sync', 'citus.next_shard_id', 'wal_level', 'password_encryption'))
          union all select 'versions', (select string_agg(e.extname || '=' || e.extversion, ',' order by e.extname) from pg_catalog.pg_extension e) || ' ' || current_setting('server_version')) f`,
  families: [
    gauge(
      'citus_metadata_fingerprint_info',
      'Fingerprint of this part of what all nodes must have alike; always 1.',
      'here',
      ['part', 'fingerprint'],
    ),
  ],
} as const satisfies Collection

/** Placements, colocation and tables, as the coordinator has them. */
export const placements = {
  name: 'citus.placements',
  help: 'Shards by node, tables by kind and groups of colocation, as the coordinator has them on record.',
  interval: 60_000,
  where: { citus: true, coordinator: true },
  sql: () => `
  select n.nodename || ':' || n.nodeport as node, n.groupid::text as group, count(p.shardid)::float8 as placements, null as kind, null::float8 as tables,
         null as colocation, null::float8 as colocated, null::float8 as shards
    from pg_catalog.pg_dist_node n left join pg_catalog.pg_dist_placement p on p.groupid = n.groupid where n.noderole = 'primary' group by n.nodename, n.nodeport, n.groupid
  union all
  select null, null, null, case when d.partmethod in ('h', 'r', 'a') then 'distributed' when d.partmethod = 'n' and d.repmodel = 't' then 'reference'
                                when d.partmethod = 'n' and d.colocationid <> 0 then 'single-shard' else 'local' end, count(*)::float8, null, null, null
    from pg_catalog.pg_dist_partition d group by 4
  union all
  select null, null, null, null, null, c.colocationid::text, (select count(*) from pg_catalog.pg_dist_partition d where d.colocationid = c.colocationid)::float8, c.shardcount::float8
    from pg_catalog.pg_dist_colocation c
   order by 7 desc nulls first`,
  families: [
    gauge('citus_placements', 'Shards that the node has.', 'placements', ['node', 'group']),
    gauge('citus_tables', 'Tables of this kind.', 'tables', ['kind']),
    gauge('citus_colocation_group_tables', 'Tables of the group of colocation.', 'colocated', ['colocation']),
    gauge('citus_colocation_group_shards', 'Shards that each of its tables has.', 'shards', ['colocation']),
  ],
} as const satisfies Collection
