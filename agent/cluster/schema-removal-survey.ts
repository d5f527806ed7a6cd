// What the plan of a removal asks of other nodes, as functions that read and change nothing; the rest any role may read on the coordinator.

const definer = 'security definer set search_path = pg_catalog, pg_temp'
/** For functions that connect: a silent host must not cost Citus' default of 30 s. */
export const patientDefiner = `${definer} set citus.node_connection_timeout = '5s'`

export const removalSurveySql = `
-- Shards of distributed tables that a group has: what a removal has to move away.
create or replace function citus_sidecar.shards_of_group(wanted_group integer) returns table (table_id oid, shard_id bigint)
language sql stable ${definer}
as $$
  select s.logicalrelid::oid, s.shardid
    from pg_dist_placement p join pg_dist_shard s on s.shardid = p.shardid join pg_dist_partition t on t.logicalrelid = s.logicalrelid
   where p.groupid = wanted_group and t.repmodel <> 't'
$$;

-- Size and estimated rows of these shards, as the group's primary counts them; nothing where it does not answer.
create or replace function citus_sidecar.sizes_of_group(wanted_group integer) returns table (table_id oid, shard_id bigint, bytes bigint, row_count bigint)
language plpgsql ${patientDefiner}
as $$
declare
  ids bigint[];
  names text[];
  node record;
  answer record;
begin
  -- The stand-in keeps no shards.
  if not exists (select from pg_proc f where f.proname = 'shard_name' and f.pronamespace = 'pg_catalog'::regnamespace) then
    return;
  end if;
  select n.nodename, n.nodeport into node from pg_dist_node n where n.groupid = wanted_group and n.noderole = 'primary' and n.isactive;
  -- Citus leaves out the schema where that is public.
  select array_agg(s.shard_id), array_agg(case when c.relnamespace = to_regnamespace('public') then 'public.' else '' end || shard_name(s.table_id::regclass, s.shard_id))
    into ids, names from citus_sidecar.shards_of_group(wanted_group) s join pg_class c on c.oid = s.table_id;
  if node.nodename is null or ids is null then
    return;
  end if;
  select r.success, r.result into answer from master_run_on_worker(array[node.nodename], array[node.nodeport], array[format(
    'select coalesce(jsonb_object_agg(x.id, jsonb_build_array(pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint)), ''{}'')::text
       from unnest(%L::bigint[], %L::text[]) x(id, name) join pg_class c on c.oid = to_regclass(x.name)', ids, names)], false) r;
  if answer.success then
    return query
      select s.table_id, s.shard_id, (z.value->>0)::bigint, (z.value->>1)::bigint
        from citus_sidecar.shards_of_group(wanted_group) s join jsonb_each(answer.result::jsonb) z on z.key = s.shard_id::text;
  end if;
end
$$;

-- One question to every active primary and to one node besides: what each answers, or why it did not.
create or replace function citus_sidecar.ask_primaries(question text, besides integer) returns table (node_id integer, answer jsonb, failure text)
language plpgsql ${patientDefiner}
as $$
declare
  hosts text[];
  ports integer[];
begin
  select array_agg(n.nodename), array_agg(n.nodeport) into hosts, ports from pg_dist_node n where n.noderole = 'primary' and n.isactive or n.nodeid = besides;
  return query
    select n.nodeid, case when r.success then r.result::jsonb end, case when not r.success then r.result end
      from master_run_on_worker(hosts, ports, array_fill(question, array[cardinality(hosts)]), true) r
      join pg_dist_node n on n.nodename = r.node_name and n.nodeport = r.node_port;
end
$$;
revoke all on function citus_sidecar.ask_primaries(text, integer) from public;

-- Prepared transactions that a group began, on every active primary, with their age in seconds; and the nodes that did not say.
create or replace function citus_sidecar.prepared_by(wanted_group integer) returns jsonb
language sql ${definer}
as $$
  select jsonb_build_object(
    'left', coalesce(jsonb_agg(x.value || jsonb_build_object('where', n.nodename || ':' || n.nodeport)) filter (where x.value is not null), '[]'),
    'silent', coalesce(jsonb_agg(distinct jsonb_build_object('nodeId', n.nodeid, 'where', n.nodename || ':' || n.nodeport, 'reason', a.failure))
                         filter (where a.failure is not null), '[]'))
    from citus_sidecar.ask_primaries(format(
      'select coalesce(jsonb_agg(jsonb_build_object(''gid'', p.gid, ''age'', extract(epoch from clock_timestamp() - p.prepared)::float8)), ''[]'')::text
         from pg_prepared_xacts p where p.database = current_database() and starts_with(p.gid, %L)', 'citus_' || wanted_group || '_'), null) a
    join pg_dist_node n on n.nodeid = a.node_id
    left join lateral jsonb_array_elements(a.answer) x on true
$$;

-- What each active primary, and the node itself, has for moving shards: settings, what of them is in use, free disk space, clients of its own.
create or replace function citus_sidecar.survey_nodes(wanted_node integer) returns table (node_id integer, answer jsonb, failure text)
language plpgsql ${patientDefiner}
as $$
declare
  disk text := case when to_regprocedure('pg_catalog.citus_local_disk_space_stats()') is null then 'null'
    else '(select jsonb_build_object(''free'', d.available_disk_size, ''all'', d.total_disk_size) from citus_local_disk_space_stats() d)' end;
begin
  return query select * from citus_sidecar.ask_primaries(format($ask$
    select jsonb_build_object(
      'walLevel', current_setting('wal_level'),
      'slots', jsonb_build_array(current_setting('max_replication_slots')::int, (select count(*) from pg_replication_slots)),
      'origins', jsonb_build_array(coalesce(current_setting('max_active_replication_origins', true), current_setting('max_replication_slots'))::int,
                                   (select count(*) from pg_show_replication_origin_status())),
      'senders', jsonb_build_array(current_setting('max_wal_senders')::int, (select count(*) from pg_stat_replication)),
      'subscribers', jsonb_build_array(current_setting('max_logical_replication_workers')::int,
                                       (select count(*) from pg_stat_activity a where a.backend_type like 'logical replication%%worker')),
      'disk', %s,
      'clients', (select count(*) from pg_stat_activity a
                   where a.backend_type = 'client backend' and a.datname = current_database()
                     and a.application_name !~ '^(citus_|citus-sidecar/|citus stand-in)'))::text
    $ask$, disk), wanted_node);
end
$$;`

/** What the sidecar's role may call on the coordinator. */
export const removalSurveyGrants = [
  'shards_of_group(integer)',
  'sizes_of_group(integer)',
  'prepared_by(integer)',
  'survey_nodes(integer)',
]
