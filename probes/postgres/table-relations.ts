// Which relations count for which table: on a node of Citus what lies in shards counts for the table that they are of.

const ours = `n.nspname not in ('pg_catalog', 'information_schema', 'citus', 'citus_internal') and n.nspname not like 'pg\\_toast%'`

/** What is kept of a relation, so that pg_class is read once. */
const kept = `c.relpages, c.reltuples, c.relfrozenxid, c.relminmxid, c.reltoastrelid as toast`

const plain = `
  select c.oid, c.oid as target, ${kept} from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'm', 'p') and ${ours}`

/** The number at the end of a shard's name, as SQL; an expression that captures would cost ten times as much. */
export function shardNumber(name: string): string {
  return `case when ${name} ~ '_[0-9]{1,18}$' then right(${name}, strpos(reverse(${name}), '_') - 1)::bigint end`
}

/** A shard's name without that number. */
export function withoutNumber(name: string): string {
  return `left(${name}, length(${name}) - strpos(reverse(${name}), '_'))`
}

// A shard is known by the number at the end of its name and the schema of its table; a name of 63 bytes is cut before that number.
// Neither is read that locks or opens a relation. Shards without a placement here are left-overs, not data.
const rolledUp = `
  select c.oid, coalesce(shard.parent, c.oid) as target, ${kept}
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join shards shard on shard.id = ${shardNumber('c.relname')} and shard.schema = c.relnamespace
   where c.relkind in ('r', 'm', 'p') and ${ours}
     and case when shard.id is null then not exists (select from pg_catalog.pg_dist_partition d where d.logicalrelid = c.oid) else shard.here end`

/** Common table expressions: `tables` (a relation, and as target the table that it counts for), and for Citus `shards`. */
export function tablesWith(citus: boolean): string {
  if (!citus) return `with tables as materialized (${plain})`
  return `with shards as materialized (
    select s.shardid as id, s.logicalrelid::oid as parent, r.relnamespace as schema,
           exists (select from pg_catalog.pg_dist_placement p
                    where p.shardid = s.shardid and p.groupid = (select l.groupid from pg_catalog.pg_dist_local_group l)) as here
      from pg_catalog.pg_dist_shard s join pg_catalog.pg_class r on r.oid = s.logicalrelid),
  tables as materialized (${rolledUp})`
}
