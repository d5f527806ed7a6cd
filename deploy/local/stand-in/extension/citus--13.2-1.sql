-- A stand-in for Citus 13.2: the control plane's catalogs and functions on plain PostgreSQL (16 or later), over dblink.
-- The closed list, and what is real-only, is in ../README.md. Names, signatures, results, errors and grants are those
-- of Citus 13.2.2; how they are reached is not.
\echo Use "create extension citus" to load this file. \quit

create schema citus;
create schema citus_internal;
grant usage on schema citus_internal to public;

-- Types -------------------------------------------------------------------------------------------------------------

create type pg_catalog.noderole as enum ('primary', 'secondary', 'unavailable');
create type pg_catalog.citus_job_status as enum
  ('scheduled', 'running', 'finished', 'cancelling', 'cancelled', 'failing', 'failed');
create type pg_catalog.citus_task_status as enum
  ('blocked', 'runnable', 'running', 'done', 'cancelling', 'error', 'unscheduled', 'cancelled');

-- Catalogs: made in schema citus and then moved, because a relation cannot be created in pg_catalog ----------------

create sequence citus.pg_dist_node_nodeid_seq maxvalue 4294967294 no cycle;
create sequence citus.pg_dist_groupid_seq maxvalue 4294967296 no cycle;
create sequence citus.pg_dist_shardid_seq minvalue 102008 no cycle;
create sequence citus.pg_dist_placement_placementid_seq no cycle;
create sequence citus.pg_dist_colocationid_seq maxvalue 4294967296 no cycle;
create sequence citus.pg_dist_background_job_job_id_seq;
create sequence citus.pg_dist_background_task_task_id_seq;
create sequence citus.pg_dist_operationid_seq;
create sequence citus.pg_dist_cleanup_recordid_seq;

create table citus.pg_dist_node (
  nodeid integer not null default nextval('citus.pg_dist_node_nodeid_seq') primary key,
  groupid integer not null default nextval('citus.pg_dist_groupid_seq'),
  nodename text not null,
  nodeport integer not null default 5432,
  noderack text not null default 'default',
  hasmetadata boolean not null default false,
  isactive boolean not null default true,
  noderole noderole not null default 'primary',
  nodecluster name not null default 'default',
  metadatasynced boolean default false,
  shouldhaveshards boolean not null default true,
  nodeisclone boolean not null default false,
  nodeprimarynodeid integer not null default 0,
  unique (nodename, nodeport),
  constraint primaries_are_only_allowed_in_the_default_cluster
    check (not (nodecluster <> 'default' and noderole = 'primary'))
);

create table citus.pg_dist_local_group (groupid integer not null primary key);

create table citus.pg_dist_node_metadata (metadata jsonb not null);

create table citus.pg_dist_partition (
  logicalrelid regclass not null,
  partmethod "char" not null,
  partkey text,
  colocationid integer not null default 0,
  repmodel "char" not null default 'c',
  autoconverted boolean default false
);
create unique index pg_dist_partition_logical_relid_index on citus.pg_dist_partition (logicalrelid);
create index pg_dist_partition_colocationid_index on citus.pg_dist_partition (colocationid);

create table citus.pg_dist_shard (
  logicalrelid regclass not null,
  shardid bigint not null,
  shardstorage "char" not null,
  shardminvalue text,
  shardmaxvalue text
);
create unique index pg_dist_shard_shardid_index on citus.pg_dist_shard (shardid);
create index pg_dist_shard_logical_relid_index on citus.pg_dist_shard (logicalrelid);

create table citus.pg_dist_placement (
  placementid bigint not null default nextval('citus.pg_dist_placement_placementid_seq'),
  shardid bigint not null,
  shardstate integer not null,
  shardlength bigint not null,
  groupid integer not null,
  constraint placement_shardid_groupid_unique_index unique (shardid, groupid)
);
create unique index pg_dist_placement_placementid_index on citus.pg_dist_placement (placementid);
create index pg_dist_placement_shardid_index on citus.pg_dist_placement (shardid);
create index pg_dist_placement_groupid_index on citus.pg_dist_placement (groupid);

create table citus.pg_dist_colocation (
  colocationid integer not null primary key,
  shardcount integer not null,
  replicationfactor integer not null,
  distributioncolumntype oid not null,
  distributioncolumncollation oid not null
);
create index pg_dist_colocation_configuration_index on citus.pg_dist_colocation
  (distributioncolumntype, shardcount, replicationfactor, distributioncolumncollation);

create table citus.pg_dist_transaction (
  groupid integer not null,
  gid text not null,
  outer_xid xid8,
  constraint pg_dist_transaction_unique_constraint unique (groupid, gid)
);
create index pg_dist_transaction_group_index on citus.pg_dist_transaction (groupid);

create table citus.pg_dist_object (
  classid oid not null,
  objid oid not null,
  objsubid integer not null,
  type text,
  object_names text[],
  object_args text[],
  distribution_argument_index integer,
  colocationid integer,
  force_delegation boolean,
  primary key (classid, objid, objsubid)
);

create table citus.pg_dist_background_job (
  job_id bigint not null default nextval('citus.pg_dist_background_job_job_id_seq') primary key,
  state citus_job_status not null default 'scheduled',
  job_type name not null,
  description text not null,
  started_at timestamptz,
  finished_at timestamptz
);

create table citus.pg_dist_background_task (
  job_id bigint not null references citus.pg_dist_background_job,
  task_id bigint not null default nextval('citus.pg_dist_background_task_task_id_seq') primary key,
  owner regrole not null default current_user::regrole,
  pid integer,
  status citus_task_status not null default 'runnable',
  command text not null,
  retry_count integer,
  not_before timestamptz,
  message text not null default '',
  nodes_involved integer[],
  constraint pg_dist_background_task_job_id_task_id unique (job_id, task_id)
);
create index pg_dist_background_task_status_task_id_index on citus.pg_dist_background_task (status, task_id);

create table citus.pg_dist_background_task_depend (
  job_id bigint not null references citus.pg_dist_background_job on delete cascade,
  task_id bigint not null,
  depends_on bigint not null,
  primary key (job_id, task_id, depends_on),
  foreign key (job_id, task_id) references citus.pg_dist_background_task (job_id, task_id) on delete cascade,
  foreign key (job_id, depends_on) references citus.pg_dist_background_task (job_id, task_id) on delete cascade
);
create index pg_dist_background_task_depend_task_id on citus.pg_dist_background_task_depend (job_id, task_id);
create index pg_dist_background_task_depend_depends_on on citus.pg_dist_background_task_depend (job_id, depends_on);

create table citus.pg_dist_cleanup (
  record_id bigint not null primary key,
  operation_id bigint not null,
  object_type integer not null,
  object_name text not null,
  node_group_id integer not null,
  policy_type integer not null
);

create function pg_catalog.role_exists(name) returns boolean
language sql strict set search_path = pg_catalog, pg_temp
as 'select exists (select from pg_roles where rolname = $1)';

create function pg_catalog.authinfo_valid(text) returns boolean
language sql strict set search_path = pg_catalog, pg_temp
as $body$
  select $1 ~ $re$^\s*((password|sslcert|sslkey)\s*=\s*('([^'\\]|\\.)*'|[^\s']\S*|$)\s*)*$$re$
$body$;

create table citus.pg_dist_authinfo (
  nodeid integer not null,
  rolename name not null constraint role_exists check (role_exists(rolename)),
  authinfo text not null constraint authinfo_valid check (authinfo_valid(authinfo))
);
create unique index pg_dist_authinfo_identification_index on citus.pg_dist_authinfo (rolename, nodeid desc);

insert into citus.pg_dist_local_group values (0);
insert into citus.pg_dist_node_metadata values (jsonb_build_object(
  'server_id', gen_random_uuid(), 'last_upgrade_version', '13.2-1', 'partitioned_citus_table_exists_pre_11', false));

do $$
declare
  item record;
begin
  for item in
    select relname, relkind from pg_class where relnamespace = 'citus'::regnamespace and relkind in ('r', 'S')
  loop
    execute format('alter %s citus.%I set schema pg_catalog',
      case item.relkind when 'r' then 'table' else 'sequence' end, item.relname);
    if item.relname <> 'pg_dist_authinfo' then
      execute format('grant select on pg_catalog.%I to public', item.relname);
    end if;
  end loop;
end
$$;

create function citus_internal.pg_dist_node_trigger_func() returns trigger
language plpgsql
as $$
begin
  lock table pg_catalog.pg_dist_node in share row exclusive mode;
  if new.noderole = 'primary' and exists (
    select from pg_catalog.pg_dist_node n
    where n.groupid = new.groupid and n.noderole = 'primary' and n.nodeid <> new.nodeid
  ) then
    raise exception 'there cannot be two primary nodes in a group';
  end if;
  return new;
end
$$;
create trigger pg_dist_node_trigger before insert or update on pg_catalog.pg_dist_node
  for each row execute function citus_internal.pg_dist_node_trigger_func();

-- What this node knows about itself ---------------------------------------------------------------------------------

create function pg_catalog.citus_version() returns text
language sql stable strict
as $$
  select format('Citus 13.2.2 on %s, stand-in (control plane only)', substring(version() from ' on ([^,]+)'))
$$;

create function citus_internal.local_groupid() returns integer
language sql stable
as 'select groupid from pg_catalog.pg_dist_local_group';

-- A setting of Citus is a placeholder here: absent, or an empty string once a local value has gone.
create function citus_internal.setting(setting text, fallback text) returns text
language sql stable
as 'select coalesce(nullif(current_setting(setting, true), ''''), fallback)';

-- The rows that Citus sees: other clusters' nodes stay invisible to nearly every function.
create view citus_internal.cluster_node as
  select n.* from pg_catalog.pg_dist_node n
  where n.nodecluster = citus_internal.setting('citus.cluster_name', 'default')::name;
grant select on citus_internal.cluster_node to public;

-- The nodes that keep a copy of the metadata and get every change of it.
create view citus_internal.metadata_node as
  select n.* from citus_internal.cluster_node n
  where n.isactive and n.hasmetadata and n.noderole = 'primary' and n.groupid <> 0;
grant select on citus_internal.metadata_node to public;

create function citus_internal.local_nodeid() returns integer
language sql stable
as $$
  select coalesce(
    (select nodeid from citus_internal.cluster_node
      where groupid = citus_internal.local_groupid() and isactive limit 1),
    99999999)
$$;

create function pg_catalog.citus_is_coordinator() returns boolean
language sql strict
as $$
  select citus_internal.local_groupid() = 0
    and exists (select from citus_internal.cluster_node where isactive and noderole = 'primary')
$$;

create function pg_catalog.citus_coordinator_nodeid() returns integer
language sql stable strict
as 'select coalesce((select nodeid from citus_internal.cluster_node where groupid = 0 limit 1), 0)';

create function pg_catalog.citus_nodename_for_nodeid(nodeid integer) returns text
language sql stable strict
as 'select n.nodename from pg_catalog.pg_dist_node n where n.nodeid = $1';

create function pg_catalog.citus_nodeport_for_nodeid(nodeid integer) returns integer
language sql stable strict
as 'select n.nodeport from pg_catalog.pg_dist_node n where n.nodeid = $1';

create function pg_catalog.citus_calculate_gpid(nodeid integer, pid integer) returns bigint
language sql strict
as 'select $1::bigint * 10000000000 + $2';

create function pg_catalog.citus_backend_gpid() returns bigint
language sql strict
as 'select pg_catalog.citus_calculate_gpid(citus_internal.local_nodeid(), pg_backend_pid())';

create function pg_catalog.citus_nodeid_for_gpid(global_pid bigint) returns integer
language plpgsql stable strict
as $$
begin
  if global_pid / 10000000000 = 99999999 then
    raise exception using errcode = 'XX000',
      message = format('originator node of the query with the global pid %s is not in Citus'' metadata', global_pid),
      hint = 'connect to the node directly run pg_cancel_backend(pid) or pg_terminate_backend(pid)';
  end if;
  return global_pid / 10000000000;
end
$$;

create function pg_catalog.citus_pid_for_gpid(global_pid bigint) returns integer
language sql stable strict
as 'select ($1 % 10000000000)::integer';

-- Who may, and where ------------------------------------------------------------------------------------------------

create function citus_internal.ensure_superuser() returns void
language plpgsql
as $$
begin
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    raise exception using errcode = 'XX000', message = 'operation is not allowed',
      hint = 'Run the command with a superuser.';
  end if;
end
$$;

create function citus_internal.ensure_coordinator() returns void
language plpgsql
as $$
begin
  if citus_internal.local_groupid() <> 0 then
    raise exception using errcode = 'XX000', message = 'operation is not allowed on this node',
      hint = 'Connect to the coordinator and run it again.';
  end if;
end
$$;

-- Serialises changes of pg_dist_node. A standby refuses it in Citus' words, not in those of LOCK TABLE.
create function citus_internal.lock_nodes() returns void
language plpgsql
as $$
begin
  if pg_is_in_recovery() then
    raise exception using errcode = '55000',
      message = 'cannot acquire lock mode ExclusiveLock on database objects while recovery is in progress',
      hint = 'Only RowExclusiveLock or less can be acquired on database objects during recovery.';
  end if;
  lock table pg_catalog.pg_dist_node in exclusive mode;
end
$$;

create function citus_internal.existing_node(host text, port integer) returns pg_catalog.pg_dist_node
language plpgsql
as $$
declare
  node pg_catalog.pg_dist_node;
begin
  perform citus_internal.ensure_coordinator();
  select * into node from pg_catalog.pg_dist_node where nodename = host and nodeport = port;
  if not found then
    raise exception using errcode = 'XX000', message = format('node at "%s:%s" does not exist', host, port);
  end if;
  return node;
end
$$;

-- The node that is about to change, on the coordinator.
create function citus_internal.modifiable_node(host text, port integer) returns pg_catalog.pg_dist_node
language plpgsql
as $$
begin
  perform citus_internal.existing_node(host, port);
  perform citus_internal.lock_nodes();
  -- it may have changed while we waited
  return citus_internal.existing_node(host, port);
end
$$;

-- Connections between nodes -----------------------------------------------------------------------------------------

-- Straight from contrib's library instead of its extension, so that loading this takes no CASCADE, as with Citus.
create function citus_internal.dblink_connect(text, text) returns text
language c strict as '$libdir/dblink', 'dblink_connect';
create function citus_internal.dblink_disconnect(text) returns text
language c strict as '$libdir/dblink', 'dblink_disconnect';
create function citus_internal.dblink_get_connections() returns text[]
language c as '$libdir/dblink', 'dblink_get_connections';
create function citus_internal.dblink_send_query(text, text) returns integer
language c strict as '$libdir/dblink', 'dblink_send_query';
create function citus_internal.dblink_is_busy(text) returns integer
language c strict as '$libdir/dblink', 'dblink_is_busy';
create function citus_internal.dblink_get_result(text) returns setof record
language c strict as '$libdir/dblink', 'dblink_get_result';

-- Runs one statement that gives one text a row, or none. dblink's own way to wait cannot be cancelled while the other
-- side is silent, so this looks again and again. After so many milliseconds, if told, it gives up with one null.
create function citus_internal.converse(connection text, statement text, patience integer default null)
returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  began timestamptz := clock_timestamp();
  nap float := 0.0005;
begin
  perform citus_internal.dblink_send_query(connection, statement);
  while citus_internal.dblink_is_busy(connection) = 1 loop
    if clock_timestamp() - began > make_interval(secs => patience / 1000.0) then
      return next null;
      return;
    end if;
    perform pg_sleep(nap);
    nap := least(nap * 1.5, 0.02);
  end loop;
  return query select t.line from citus_internal.dblink_get_result(connection) t (line text);
  -- the empty result that ends an answer
  perform from citus_internal.dblink_get_result(connection) t (line text);
end
$$;

create function citus_internal.conninfo_part(keyword text, value text) returns text
language sql immutable
as $$ select format('%s=''%s'' ', keyword, replace(replace(value, '\', '\\'), '''', '\''')) $$;

create function citus_internal.conninfo(host text, port integer, who name) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target integer := 0;
  secret text := '';
begin
  if host = citus_internal.setting('citus.local_hostname', 'localhost') and port = current_setting('port')::integer then
    target := -1;
  else
    select n.nodeid into target from citus_internal.cluster_node n where n.nodename = host and n.nodeport = port;
  end if;
  select a.authinfo into secret from pg_dist_authinfo a
  where a.rolename = who and a.nodeid in (coalesce(target, 0), 0) order by a.nodeid = 0 limit 1;
  -- the last word wins in libpq
  return citus_internal.conninfo_part('host', host)
    || citus_internal.conninfo_part('port', port::text)
    || citus_internal.conninfo_part('dbname', current_database())
    || citus_internal.conninfo_part('user', who)
    || citus_internal.conninfo_part('application_name', 'citus_internal gpid=' || citus_backend_gpid())
    || concat_ws(' ', citus_internal.setting('citus.node_conninfo', 'sslmode=prefer'), secret);
end
$$;

-- Connects once and hangs up: '' when that works, why not otherwise.
create function citus_internal.try_connect(conninfo text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  reason text;
begin
  perform citus_internal.dblink_connect('citus stand-in', conninfo);
  perform citus_internal.dblink_disconnect('citus stand-in');
  return '';
exception when sqlclient_unable_to_establish_sqlconnection then
  get stacked diagnostics reason = pg_exception_detail;
  return reason;
end
$$;
revoke all on function citus_internal.try_connect(text) from public;

-- What try_connect says within so many milliseconds, null if nothing. dblink has no timeout that a frozen server
-- would run into, so a second session of this server tries first and can be left behind. Without it we just hope ('').
create function citus_internal.rehearse_connect(conninfo text, patience integer) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  own text := citus_internal.conninfo_part('port', current_setting('port'))
    || citus_internal.conninfo_part('host',
      coalesce(nullif(trim(split_part(current_setting('unix_socket_directories'), ',', 1)), ''), 'localhost'))
    || citus_internal.conninfo_part('dbname', current_database())
    || citus_internal.conninfo_part('user', current_user)
    || citus_internal.conninfo_part('application_name', 'citus stand-in');
  reason text;
begin
  if 'citus stand-in probe' = any (citus_internal.dblink_get_connections()) then
    perform citus_internal.dblink_disconnect('citus stand-in probe');
  end if;
  begin
    perform citus_internal.dblink_connect('citus stand-in probe', own);
  exception when sqlclient_unable_to_establish_sqlconnection then
    return '';
  end;
  begin
    -- the session ends itself when nobody waits for it any more
    perform citus_internal.converse('citus stand-in probe', format('set statement_timeout = %s', patience + 1000));
    reason := citus_internal.converse('citus stand-in probe',
      format('select citus_internal.try_connect(%L)', conninfo), patience);
  exception when query_canceled or others then
    perform citus_internal.dblink_disconnect('citus stand-in probe');
    raise;
  end;
  perform citus_internal.dblink_disconnect('citus stand-in probe');
  return reason;
end
$$;

-- Opens the one connection this session uses at a time; a leftover of a cancelled call goes first.
create function citus_internal.open_node(host text, port integer, who name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  conninfo text := citus_internal.conninfo(host, port, who);
  wanted text := citus_internal.setting('citus.node_connection_timeout', '30000');
  patience integer := case when wanted ~ '^\d+$' then wanted::integer
    else extract(epoch from wanted::interval) * 1000 end;
  reason text;
begin
  if 'citus stand-in' = any (citus_internal.dblink_get_connections()) then
    perform citus_internal.dblink_disconnect('citus stand-in');
  end if;
  reason := citus_internal.rehearse_connect(conninfo, patience);
  if reason is null then
    raise warning 'could not establish connection after % ms', patience;
    raise exception using errcode = '08006',
      message = format('connection to the remote node %s@%s:%s failed', who, host, port);
  end if;
  if reason = '' then
    begin
      perform citus_internal.dblink_connect('citus stand-in', conninfo);
      return;
    exception when sqlclient_unable_to_establish_sqlconnection then
      get stacked diagnostics reason = pg_exception_detail;
    end;
  end if;
  raise exception using errcode = '08006', message = format(
    'connection to the remote node %s@%s:%s failed with the following error: %s', who, host, port,
    regexp_replace(reason, '^connection to server at "[^"]*"( \([^)]*\))?, port \d+ failed: ', ''));
end
$$;

create function citus_internal.close_node() returns void
language sql
set search_path = pg_catalog, pg_temp
as $$ select citus_internal.dblink_disconnect('citus stand-in') $$;

-- Runs a query that gives one text on a node; with keep = false its effects are undone: a rehearsal.
create function citus_internal.ask_node(host text, port integer, who name, query text, keep boolean) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  answer text;
  missing boolean;
begin
  perform citus_internal.open_node(host, port, who);
  begin
    missing := citus_internal.converse('citus stand-in',
      'select (not exists (select from pg_extension where extname = ''citus''))::text');
    if missing then
      raise warning using errcode = '42883',
        message = 'function assign_distributed_transaction_id(integer, integer, unknown) does not exist',
        hint = 'No function matches the given name and argument types. You might need to add explicit type casts.';
      raise exception using errcode = 'XX000',
        message = format('failure on connection marked as essential: %s:%s', host, port);
    end if;
    perform citus_internal.converse('citus stand-in', 'begin');
    answer := citus_internal.converse('citus stand-in', query);
    perform citus_internal.converse('citus stand-in', case when keep then 'commit' else 'rollback' end);
  exception when query_canceled or others then
    perform citus_internal.close_node();
    raise;
  end;
  perform citus_internal.close_node();
  return answer;
end
$$;

-- Copying metadata --------------------------------------------------------------------------------------------------
--
-- A change is rehearsed on every node it concerns inside the call (so that errors come where Citus gives them) and
-- carried out when the local transaction commits: a failed call or a rollback leaves nothing behind anywhere.

-- What the current transaction owes to other nodes; empty outside of one.
create table citus_internal.outbox (
  who name not null,                  -- connects as
  activated integer,                  -- nodeid that also gets the tables' metadata
  gone bigint[] not null default '{}',-- placements that every copy loses
  host text, port integer             -- a node no longer listed that still has to hear of `gone`
);

create function citus_internal.node_letter(target integer) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'groupid', (select groupid from pg_catalog.pg_dist_node where nodeid = target),
    'nodes', (select jsonb_agg(to_jsonb(n) order by n.nodeid) from pg_catalog.pg_dist_node n))
$$;

create function citus_internal.table_letter() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with synced as (
    -- Citus keeps append and range tables to the coordinator
    select p.* from pg_dist_partition p where p.partmethod in ('h', 'n')
  )
  select jsonb_build_object(
    'partitions', coalesce((select jsonb_agg(to_jsonb(s) || jsonb_build_object(
        'logicalrelid', s.logicalrelid::text,
        'schema', (select relnamespace::regnamespace::text from pg_class where oid = s.logicalrelid),
        'columns', (select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
          from pg_attribute where attrelid = s.logicalrelid and attnum > 0 and not attisdropped)))
      from synced s), '[]'),
    'shards', coalesce((select jsonb_agg(to_jsonb(h) || jsonb_build_object('logicalrelid', h.logicalrelid::text))
      from pg_dist_shard h join synced s using (logicalrelid)), '[]'),
    'placements', coalesce((select jsonb_agg(to_jsonb(m))
      from pg_dist_placement m join pg_dist_shard h using (shardid) join synced s using (logicalrelid)), '[]'),
    'colocations', coalesce((select jsonb_agg(to_jsonb(c)) from pg_dist_colocation c), '[]'))
$$;

-- The receiving end: replaces this node's copy by what the letter says.
create function citus_internal.receive(letter jsonb) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  item record;
begin
  if letter ? 'groupid' then
    update pg_dist_local_group set groupid = (letter ->> 'groupid')::integer;
    delete from pg_dist_node;
    insert into pg_dist_node select * from jsonb_populate_recordset(null::pg_dist_node, letter -> 'nodes');
  end if;
  if letter ? 'gone' then
    delete from pg_dist_placement
    where placementid in (select value::bigint from jsonb_array_elements_text(letter -> 'gone'));
  end if;
  if letter ? 'tables' then
    for item in select c.oid::regclass as shell from pg_dist_partition p join pg_class c on c.oid = p.logicalrelid loop
      execute format('drop table %s cascade', item.shell);
    end loop;
    delete from pg_dist_placement;
    delete from pg_dist_shard;
    delete from pg_dist_partition;
    delete from pg_dist_colocation;
    for item in select * from jsonb_to_recordset(letter #> '{tables,partitions}')
      as p (logicalrelid text, schema text, columns text)
    loop
      execute format('create schema if not exists %s', item.schema);
      execute format('create table if not exists %s (%s)', item.logicalrelid, item.columns);
    end loop;
    insert into pg_dist_colocation
      select * from jsonb_populate_recordset(null::pg_dist_colocation, letter #> '{tables,colocations}');
    insert into pg_dist_partition
      select * from jsonb_populate_recordset(null::pg_dist_partition, letter #> '{tables,partitions}');
    insert into pg_dist_shard
      select * from jsonb_populate_recordset(null::pg_dist_shard, letter #> '{tables,shards}');
    insert into pg_dist_placement
      select * from jsonb_populate_recordset(null::pg_dist_placement, letter #> '{tables,placements}');
  end if;
  return 'received';
end
$$;
revoke all on function citus_internal.receive(jsonb) from public;

create function citus_internal.send(host text, port integer, who name, letter jsonb, keep boolean) returns void
language sql
as $$
  select citus_internal.ask_node(host, port, who, format('select citus_internal.receive(%L)', letter), keep)
$$;

-- The maintenance daemon's part: a node out of sync that can be reached counts as synced again, because the next
-- delivery brings it the whole table. Only a coordinator does this. Returns whether there was one.
create function citus_internal.reach_unsynced(who name) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  node record;
  reached boolean := false;
begin
  if citus_internal.local_groupid() <> 0 then
    return false;
  end if;
  for node in select * from citus_internal.metadata_node where metadatasynced is not true order by nodeid loop
    begin
      perform citus_internal.send(node.nodename, node.nodeport, who, citus_internal.node_letter(node.nodeid), false);
      update pg_dist_node set metadatasynced = true where nodeid = node.nodeid;
      reached := true;
    exception when others then
      raise log 'failed to sync metadata to %:%', node.nodename, node.nodeport;
    end;
  end loop;
  return reached;
end
$$;

create function citus_internal.deliver() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  debts record;
  farewell record;
  node record;
  letter jsonb;
begin
  -- the first of a transaction's rows settles all of them
  if not exists (select from citus_internal.outbox) then
    return null;
  end if;
  perform citus_internal.reach_unsynced(new.who);
  select array_agg(activated) as activated,
    (select coalesce(jsonb_agg(distinct g), '[]') from citus_internal.outbox o, unnest(o.gone) g) as gone
    into debts from citus_internal.outbox;
  for farewell in select * from citus_internal.outbox where host is not null loop
    perform citus_internal.send(farewell.host, farewell.port, farewell.who,
      jsonb_build_object('gone', to_jsonb(farewell.gone)), true);
  end loop;
  for node in select * from citus_internal.metadata_node where metadatasynced order by nodeid loop
    letter := citus_internal.node_letter(node.nodeid) || jsonb_build_object('gone', debts.gone);
    if node.nodeid = any (debts.activated) then
      letter := letter || jsonb_build_object('tables', citus_internal.table_letter());
    end if;
    perform citus_internal.send(node.nodename, node.nodeport, new.who, letter, true);
  end loop;
  delete from citus_internal.outbox;
  return null;
end
$$;
create constraint trigger deliver after insert on citus_internal.outbox
  deferrable initially deferred for each row execute function citus_internal.deliver();

-- Rehearses the change that pg_dist_node already shows on every metadata node, and owes it to them.
create function citus_internal.propagate(activated integer default null, gone bigint[] default '{}') returns void
language plpgsql
as $$
declare
  node record;
  letter jsonb;
begin
  perform citus_internal.reach_unsynced(current_user);
  -- a node that joins is spoken to before the state of the others is looked at
  for node in
    select *, nodeid is not distinct from activated as joins from citus_internal.metadata_node
    order by nodeid is not distinct from activated desc, metadatasynced is true, nodeid
  loop
    if node.metadatasynced is not true then
      raise exception using errcode = '55000',
        message = format('%s:%s is a metadata node, but is out of sync', node.nodename, node.nodeport),
        hint = 'If the node is up, wait until metadata gets synced to it and try again.';
    end if;
    letter := citus_internal.node_letter(node.nodeid) || jsonb_build_object('gone', to_jsonb(gone));
    if node.joins then
      letter := letter || jsonb_build_object('tables', citus_internal.table_letter());
    end if;
    perform citus_internal.send(node.nodename, node.nodeport, current_user, letter, false);
  end loop;
  insert into citus_internal.outbox (who, activated, gone) values (current_user, activated, gone);
end
$$;

-- One round of what the maintenance daemon does every few seconds: whoever wants a daemon calls it on a timer.
create function citus_internal.stand_in_tick() returns boolean
language plpgsql
as $$
declare
  reached boolean;
begin
  perform citus_internal.ensure_superuser();
  lock table pg_catalog.pg_dist_node in row exclusive mode;
  reached := citus_internal.reach_unsynced(current_user);
  if reached then
    insert into citus_internal.outbox (who) values (current_user);
  end if;
  return reached;
end
$$;
revoke all on function citus_internal.stand_in_tick() from public;

-- Placements --------------------------------------------------------------------------------------------------------

create function citus_internal.ensure_removable(node pg_catalog.pg_dist_node) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  last record;
begin
  select m.shardid, h.logicalrelid::text as relation into last
  from pg_dist_placement m left join pg_dist_shard h using (shardid)
  where m.groupid = node.groupid and not exists (
    select from pg_dist_placement other join citus_internal.cluster_node n on n.groupid = other.groupid
    where other.shardid = m.shardid and other.groupid <> m.groupid and other.shardstate = 1
      and n.isactive and n.noderole = 'primary')
  order by m.shardid limit 1;
  if found then
    raise exception using errcode = 'XX000',
      message = format('cannot remove or disable the node %s:%s because because it contains the only shard '
        'placement for shard %s', node.nodename, node.nodeport, last.shardid),
      detail = format('One of the table(s) that prevents the operation complete successfully is %s', last.relation),
      hint = 'To proceed, either drop the tables or use undistribute_table() function to convert them to local tables';
  end if;
end
$$;

-- A node that leaves, or comes back, has no placement of a reference or replicated table. Returns the placements.
create function citus_internal.drop_replicated_placements(leaver integer) returns bigint[]
language sql
as $$
  with gone as (
    delete from pg_catalog.pg_dist_placement m
    using pg_catalog.pg_dist_shard h, pg_catalog.pg_dist_partition p
    where m.groupid = leaver and h.shardid = m.shardid and p.logicalrelid = h.logicalrelid
      and (p.repmodel = 't' or (p.partmethod = 'h' and p.repmodel = 'c'))
    returning m.placementid
  )
  select coalesce(array_agg(placementid), '{}') from gone
$$;

-- Nodes come and go -------------------------------------------------------------------------------------------------

create function citus_internal.insert_node(
  host text, port integer, wanted integer, role noderole, cluster name, active boolean,
  out id integer, out existed boolean)
language plpgsql
as $$
declare
  head pg_catalog.pg_dist_node;
begin
  perform citus_internal.ensure_coordinator();
  select nodeid into id from pg_catalog.pg_dist_node where nodename = host and nodeport = port;
  existed := found;
  if existed then
    return;
  end if;
  perform citus_internal.lock_nodes();
  -- somebody else may have added it while we waited
  select nodeid into id from pg_catalog.pg_dist_node where nodename = host and nodeport = port;
  existed := found;
  if existed then
    return;
  end if;

  if wanted <> 0 then
    select * into head from citus_internal.cluster_node where groupid = 0 and noderole = 'primary';
    if found and head.nodename = 'localhost' and host <> 'localhost' then
      raise exception using errcode = 'XX000',
        message = 'cannot add a worker node when the coordinator hostname is set to localhost',
        detail = 'Worker nodes need to be able to connect to the coordinator to transfer data.',
        hint = 'Use SELECT citus_set_coordinator_host(''<hostname>'') to configure the coordinator hostname';
    end if;
    if found and exists (select from pg_catalog.pg_dist_placement where groupid = 0) and not exists (
      select from citus_internal.cluster_node where isactive and noderole = 'primary' and groupid <> 0)
    then
      raise notice using message = 'shards are still on the coordinator after adding the new node',
        hint = format('Use SELECT rebalance_table_shards(); to balance shards data between workers and coordinator '
          'or SELECT citus_drain_node(%L,%s); to permanently move shards away from the coordinator.',
          head.nodename, head.nodeport);
    end if;
  end if;

  if wanted = -1 then
    wanted := nextval('pg_catalog.pg_dist_groupid_seq');
  end if;
  if role = 'primary' then
    if exists (select from citus_internal.cluster_node where groupid = wanted and noderole = 'primary') then
      raise exception using errcode = 'XX000', message = format('group %s already has a primary node', wanted);
    end if;
    if cluster <> 'default' then
      raise exception using errcode = 'XX000', message = 'primaries must be added to the default cluster';
    end if;
  end if;

  id := nextval('pg_catalog.pg_dist_node_nodeid_seq');
  -- the coordinator has the authoritative copy and is never inactive
  insert into pg_catalog.pg_dist_node
    (nodeid, groupid, nodename, nodeport, hasmetadata, isactive, noderole, nodecluster, metadatasynced)
  values (id, wanted, host, port, wanted = 0, active or wanted = 0, role, cluster, wanted = 0);
end
$$;

-- Makes a node that has a row a full member: its flags, its group id, its copy of the metadata, everybody's view of it.
create function citus_internal.activate(node pg_catalog.pg_dist_node) returns void
language plpgsql
as $$
declare
  gone bigint[] := '{}';
begin
  if node.noderole = 'primary' and node.groupid = 0 then
    raise notice '%:% is the coordinator and already contains metadata, skipping syncing the metadata',
      node.nodename, node.nodeport;
  elsif node.noderole = 'primary' then
    if not node.isactive then
      gone := citus_internal.drop_replicated_placements(node.groupid);
    end if;
    update pg_catalog.pg_dist_node set isactive = true, hasmetadata = true, metadatasynced = true
    where nodeid = node.nodeid;
  end if;
  perform citus_internal.propagate(node.nodeid, gone);
end
$$;

create function pg_catalog.citus_add_node(
  nodename text, nodeport integer, groupid integer default -1,
  noderole noderole default 'primary', nodecluster name default 'default')
returns integer
language plpgsql strict
as $$
#variable_conflict use_column
declare
  added record;
  node pg_catalog.pg_dist_node;
  theirs text;
begin
  perform citus_internal.ensure_superuser();
  added := citus_internal.insert_node($1, $2, $3, $4, $5, true);
  if added.existed then
    return added.id;
  end if;
  update pg_catalog.pg_dist_node n set shouldhaveshards = n.groupid <> 0 where n.nodeid = added.id
  returning * into node;
  if node.groupid <> 0 and node.noderole <> 'secondary' then
    theirs := citus_internal.ask_node(node.nodename, node.nodeport, current_user,
      'select metadata ->> ''server_id'' from pg_catalog.pg_dist_node_metadata', false);
    if theirs = (select metadata ->> 'server_id' from pg_catalog.pg_dist_node_metadata) then
      raise exception using errcode = 'XX000', message = 'Node cannot add itself as a worker.',
        hint = format('Add the node as a coordinator by using: SELECT citus_set_coordinator_host(''%s'', %s);',
          node.nodename, node.nodeport);
    end if;
  end if;
  perform citus_internal.activate(node);
  return added.id;
end
$$;

create function pg_catalog.citus_add_inactive_node(
  nodename text, nodeport integer, groupid integer default -1,
  noderole noderole default 'primary', nodecluster name default 'default')
returns integer
language plpgsql strict
as $$
declare
  added record;
begin
  if $3 = 0 then
    raise exception using errcode = 'XX000', message = 'coordinator node cannot be added as inactive node';
  end if;
  added := citus_internal.insert_node($1, $2, $3, $4, $5, false);
  if not added.existed then
    perform citus_internal.propagate();
  end if;
  return added.id;
end
$$;

create function pg_catalog.citus_add_secondary_node(
  nodename text, nodeport integer, primaryname text, primaryport integer, nodecluster name default 'default')
returns integer
language plpgsql strict
as $$
#variable_conflict use_column
declare
  added record;
  wanted integer;
begin
  select n.groupid into wanted from citus_internal.cluster_node n where n.nodename = $3 and n.nodeport = $4;
  if wanted is null then
    raise exception using errcode = 'XX000', message = format('node at "%s:%s" does not exist', $3, $4);
  end if;
  added := citus_internal.insert_node($1, $2, wanted, 'secondary', $5, true);
  if not added.existed then
    perform citus_internal.propagate();
  end if;
  return added.id;
end
$$;

create function pg_catalog.citus_activate_node(nodename text, nodeport integer) returns integer
language plpgsql strict
as $$
declare
  node pg_catalog.pg_dist_node;
begin
  perform citus_internal.existing_node($1, $2);
  perform citus_internal.ensure_superuser();
  node := citus_internal.modifiable_node($1, $2);
  perform citus_internal.activate(node);
  return node.nodeid;
end
$$;

create function pg_catalog.start_metadata_sync_to_node(nodename text, nodeport integer) returns void
language plpgsql strict
as $$
begin
  perform citus_internal.ensure_superuser();
  perform citus_internal.activate(citus_internal.modifiable_node($1, $2));
end
$$;

-- Every worker's copy is now behind; who can be reached is brought up to date when this commits.
create function citus_internal.mark_unsynced(who name) returns void
language plpgsql
as $$
begin
  perform citus_internal.lock_nodes();
  update pg_catalog.pg_dist_node set metadatasynced = false where hasmetadata and metadatasynced and groupid > 0;
  if found and citus_internal.local_groupid() = 0 then
    insert into citus_internal.outbox (who) values (who);
  end if;
end
$$;

create function pg_catalog.citus_disable_node(nodename text, nodeport integer, synchronous boolean default false)
returns void
language plpgsql strict
as $$
#variable_conflict use_column
declare
  node pg_catalog.pg_dist_node := citus_internal.modifiable_node($1, $2);
  first integer;
begin
  if node.groupid = 0 then
    raise exception using errcode = 'XX000', message = 'cannot change "isactive" field of the coordinator node';
  end if;
  select n.nodeid into first from citus_internal.cluster_node n
  where n.isactive and n.noderole = 'primary' and n.groupid <> 0
  order by n.nodename collate "C", n.nodeport limit 1;
  if first = node.nodeid and not synchronous then
    raise exception using errcode = '55000',
      message = 'disabling the first worker node in the metadata is not allowed',
      detail = 'Citus uses the first worker node in the metadata for certain internal operations when replicated '
        'tables are modified. Synchronous mode ensures that all nodes have the same view of the first worker node, '
        'which is used for certain locking operations.',
      hint = format('You can force disabling node, SELECT citus_disable_node(''%s'', %s, synchronous:=true);',
        node.nodename, node.nodeport);
  end if;
  update pg_catalog.pg_dist_node n set isactive = false where n.nodeid = node.nodeid;
  if node.noderole = 'primary' then
    perform citus_internal.ensure_removable(node);
  end if;
  if synchronous then
    update pg_catalog.pg_dist_node n set metadatasynced = true
    where n.nodeid in (select m.nodeid from citus_internal.metadata_node m);
    perform citus_internal.propagate();
  else
    perform citus_internal.mark_unsynced(current_user);
  end if;
end
$$;

create function pg_catalog.citus_remove_node(nodename text, nodeport integer) returns void
language plpgsql strict
as $$
declare
  node pg_catalog.pg_dist_node := citus_internal.modifiable_node($1, $2);
  gone bigint[] := '{}';
begin
  if node.noderole = 'primary' then
    perform citus_internal.ensure_removable(node);
    gone := citus_internal.drop_replicated_placements(node.groupid);
    if gone <> '{}' then
      -- the leaving node hears of these too, so it has to be there or disabled
      perform citus_internal.propagate(null, gone);
      if node.isactive and node.hasmetadata and node.groupid <> 0 then
        insert into citus_internal.outbox (who, gone, host, port)
        values (current_user, gone, node.nodename, node.nodeport);
      end if;
    end if;
    delete from pg_catalog.pg_dist_transaction t where t.groupid = node.groupid;
  end if;
  delete from pg_catalog.pg_dist_node n where n.nodeid = node.nodeid;
  perform citus_internal.propagate(null, gone);
end
$$;

create function pg_catalog.citus_set_node_property(nodename text, nodeport integer, property text, value boolean)
returns void
language plpgsql strict
as $$
declare
  node pg_catalog.pg_dist_node := citus_internal.modifiable_node($1, $2);
begin
  if property <> 'shouldhaveshards' then
    raise exception using errcode = 'XX000',
      message = 'only the ''shouldhaveshards'' property can be set using this function';
  end if;
  update pg_catalog.pg_dist_node n set shouldhaveshards = value where n.nodeid = node.nodeid;
  perform citus_internal.propagate();
end
$$;

create function pg_catalog.citus_set_coordinator_host(
  host text, port integer default current_setting('port')::integer,
  node_role noderole default 'primary', node_cluster name default 'default')
returns void
language plpgsql strict
as $$
declare
  head integer;
begin
  lock table pg_catalog.pg_dist_node in row exclusive mode;
  select nodeid into head from citus_internal.cluster_node where groupid = 0 and noderole = 'primary';
  if found then
    update pg_catalog.pg_dist_node set nodename = host, nodeport = port where nodeid = head;
  else
    perform citus_internal.insert_node(host, port, 0, node_role, node_cluster, true);
    update pg_catalog.pg_dist_node set shouldhaveshards = false where nodename = host and nodeport = port;
  end if;
  perform citus_internal.propagate();
end
$$;

-- Locks on the shards of a node -------------------------------------------------------------------------------------

-- Colocated shards share one lock. Advisory locks of two keys, the first of them a constant of this file.
create function citus_internal.shard_key(shard bigint) returns integer
language sql stable
as $$
  select hashtext(case
    when p.colocationid <> 0 and (p.partmethod = 'h' or (p.partmethod = 'n' and p.repmodel = 's')) then
      format('colocation %s shard %s', p.colocationid, (
        select count(*) from pg_catalog.pg_dist_shard other
        where other.logicalrelid = h.logicalrelid and other.shardminvalue::bigint < h.shardminvalue::bigint))
    else format('shard %s', h.shardid) end)
  from pg_catalog.pg_dist_shard h join pg_catalog.pg_dist_partition p using (logicalrelid)
  where h.shardid = shard
$$;

create function citus_internal.lock_placements(node pg_catalog.pg_dist_node, force boolean, lock_cooldown integer)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  shard_key integer;
  patience integer := (select setting from pg_settings where name = 'lock_timeout');
begin
  -- a caller's shorter patience ends the wait before anybody is terminated
  force := force and (patience = 0 or patience > lock_cooldown);
  if node.noderole <> 'primary' then
    return;
  end if;
  for shard_key in
    select citus_internal.shard_key(shardid) from pg_dist_placement where groupid = node.groupid order by shardid
  loop
    loop
      begin
        if force then
          perform set_config('lock_timeout', lock_cooldown::text, true);
        end if;
        perform pg_advisory_xact_lock(1130984565, shard_key);
        exit;
      exception when lock_not_available then
        if not force then
          raise;
        end if;
        perform pg_terminate_backend(pid) from pg_locks
        where locktype = 'advisory' and classid = 1130984565 and objid::bigint = shard_key::bigint & 4294967295
          and objsubid = 2 and granted and pid <> pg_backend_pid()
          and database = (select oid from pg_database where datname = current_database());
      end;
    end loop;
  end loop;
  perform set_config('lock_timeout', patience::text, true);
end
$$;

-- A definer's function: whoever has EXECUTE may end the blockers of any role, as the helper process of Citus does.
create function pg_catalog.citus_pause_node_within_txn(
  node_id integer, force boolean default false, lock_cooldown integer default 10000)
returns void
language plpgsql strict security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  node pg_dist_node;
begin
  select * into node from pg_dist_node where nodeid = node_id;
  if not found then
    raise exception using errcode = 'P0002', message = format('node %s not found', node_id);
  end if;
  perform citus_internal.lock_placements(node, force, lock_cooldown);
end
$$;

-- A definer's function: EXECUTE is all Citus asks for, and the copies are the daemon's work. Works on any node, and on
-- a worker changes that worker's copy only.
create function pg_catalog.citus_update_node(
  node_id integer, new_node_name text, new_node_port integer,
  force boolean default false, lock_cooldown integer default 10000)
returns void
language plpgsql strict security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  node pg_dist_node;
begin
  select * into node from pg_dist_node where nodename = new_node_name and nodeport = new_node_port;
  if found then
    if node.nodeid = node_id then
      return;
    end if;
    raise exception using errcode = '55000',
      message = 'there is already another node with the specified hostname and port';
  end if;
  select * into node from pg_dist_node where nodeid = node_id;
  if not found then
    raise exception using errcode = 'P0002', message = format('node %s not found', node_id);
  end if;
  perform citus_internal.lock_placements(node, force, lock_cooldown);
  if pg_is_in_recovery() then
    raise exception using errcode = 'XX000', message = 'cannot assign TransactionIds during recovery';
  end if;
  update pg_dist_node set nodename = new_node_name, nodeport = new_node_port where nodeid = node_id;
  perform citus_internal.mark_unsynced(current_user);
end
$$;

-- What a writer takes (5, Share, in Citus). Advisory locks know two modes: 1, 3 and 5 go together here, 7 excludes.
create function pg_catalog.lock_shard_metadata(lock_mode integer, shard_id bigint[]) returns void
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
declare
  shard bigint;
  relation regclass;
begin
  if coalesce(array_ndims(shard_id), 0) = 0 then
    raise exception using errcode = 'XX000', message = 'no locks specified';
  end if;
  foreach shard in array shard_id loop
    select logicalrelid into relation from pg_dist_shard where shardid = shard;
    if not found then
      raise exception using errcode = 'XX000', message = format('could not find valid entry for shard %s', shard);
    end if;
    if not pg_has_role((select relowner from pg_class where oid = relation), 'usage') then
      raise exception using errcode = '42501',
        message = format('must be owner of table %s', (select relname from pg_class where oid = relation));
    end if;
    if lock_mode in (1, 3, 5) then
      perform pg_advisory_xact_lock_shared(1130984565, citus_internal.shard_key(shard));
    elsif lock_mode = 7 then
      perform pg_advisory_xact_lock(1130984565, citus_internal.shard_key(shard));
    else
      raise exception using errcode = 'XX000', message = format('unsupported lockmode %s', lock_mode);
    end if;
  end loop;
end
$$;

-- Can nodes talk to each other --------------------------------------------------------------------------------------

-- A definer's function that connects as its caller: dblink gives the server's password file to superusers only.
create function citus_internal.check_connection(who name, host text, port integer) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  trouble text;
begin
  perform citus_internal.open_node(host, port, who);
  perform citus_internal.close_node();
  return true;
exception when connection_failure then
  get stacked diagnostics trouble = message_text;
  raise warning using errcode = '08006', message = trouble;
  return false;
end
$$;

create function pg_catalog.citus_check_connection_to_node(nodename text, nodeport integer default 5432) returns boolean
language sql strict
as 'select citus_internal.check_connection(current_user, $1, $2)';

-- Runs a command on nodes, registered or not, one after the other (`parallel` is only about speed); what a failed one
-- says is its result.
create function citus_internal.run_on(who name, host text, port integer, command text, out success boolean, out result text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  success := true;
  begin
    perform citus_internal.open_node(host, port, who);
  exception when connection_failure then
    success := false;
    result := format('failed to connect to %s:%s', host, port);
    return;
  end;
  begin
    select line into strict result from citus_internal.converse('citus stand-in', command) line;
  exception
    when no_data_found then
      result := '';
    when too_many_rows then
      success := false;
      result := 'expected a single row in query result';
    when others then
      success := false;
      result := format('ERROR:  %s', sqlerrm);
  end;
  perform citus_internal.close_node();
end
$$;

create function pg_catalog.master_run_on_worker(
  worker_name text[], port integer[], command text[], parallel boolean,
  out node_name text, out node_port integer, out success boolean, out result text)
returns setof record
language sql stable strict
as $$
  select task.host, task.port, answer.success, coalesce(answer.result, '')
  from unnest(worker_name, master_run_on_worker.port, command) with ordinality task (host, port, command, number),
    lateral citus_internal.run_on(current_user, task.host, task.port, task.command) answer
  order by task.number
$$;

create function citus_internal.check_health(who name)
returns table (from_nodename text, from_nodeport integer, to_nodename text, to_nodeport integer, result boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  pair record;
  silent integer;
  trouble text;
begin
  for pair in
    select source.nodeid as source_id, source.nodename as source_name, source.nodeport as source_port,
      target.nodename as target_name, target.nodeport as target_port
    from citus_internal.cluster_node source, citus_internal.cluster_node target
    where source.isactive and source.noderole = 'primary' and target.isactive and target.noderole = 'primary'
    order by source.nodename collate "C", source.nodeport, target.nodename collate "C", target.nodeport
  loop
    result := null;
    begin
      -- a node that does not answer is asked once
      if silent is distinct from pair.source_id then
        result := citus_internal.ask_node(pair.source_name, pair.source_port, who, format(
          'select citus_check_connection_to_node(%L, %s)::text', pair.target_name, pair.target_port), true);
      end if;
    exception when others then
      get stacked diagnostics trouble = message_text;
      silent := pair.source_id;
    end;
    if result is null then
      raise warning using errcode = '08006', message = trouble;
    end if;
    from_nodename := pair.source_name;
    from_nodeport := pair.source_port;
    to_nodename := pair.target_name;
    to_nodeport := pair.target_port;
    return next;
  end loop;
end
$$;

create function pg_catalog.citus_check_cluster_node_health(
  out from_nodename text, out from_nodeport integer, out to_nodename text, out to_nodeport integer, out result boolean)
returns setof record
language sql strict
as 'select * from citus_internal.check_health(current_user)';

-- Two-phase commits -------------------------------------------------------------------------------------------------

-- Finishes what this node prepared on others: with a record it commits, without one it rolls back. There are no
-- distributed transactions in progress here, so none is spared. A definer's function, as the daemon would be.
create function pg_catalog.recover_prepared_transactions() returns integer
language plpgsql strict security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  node record;
  prepared record;
  recovered integer := 0;
  trouble text;
begin
  if pg_is_in_recovery() then
    raise exception using errcode = '25006', message = 'writing to worker nodes is not currently allowed',
      detail = 'the database is read-only';
  end if;
  perform pg_advisory_xact_lock(1130984565, 0);
  for node in select * from citus_internal.cluster_node where isactive and noderole = 'primary' order by nodeid loop
    begin
      perform citus_internal.open_node(node.nodename, node.nodeport, current_user);
    exception when connection_failure then
      raise warning 'transaction recovery cannot connect to %:%', node.nodename, node.nodeport;
      continue;
    end;
    begin
      for prepared in
        select t.gid, exists (
          select from pg_dist_transaction d where d.groupid = node.groupid and d.gid = t.gid) as recorded
        from citus_internal.converse('citus stand-in', format(
          'select gid from pg_prepared_xacts where database = current_database() and gid like %L',
          format('citus\_%s\_%%', citus_internal.local_groupid()))) t (gid)
        order by recorded desc, t.gid
      loop
        perform citus_internal.converse('citus stand-in', format('%s prepared %L',
          case when prepared.recorded then 'commit' else 'rollback' end, prepared.gid));
        recovered := recovered + 1;
      end loop;
      delete from pg_dist_transaction d where d.groupid = node.groupid;
      perform citus_internal.close_node();
    exception when query_canceled or others then
      perform citus_internal.close_node();
      if sqlstate = '57014' then
        raise;
      end if;
      get stacked diagnostics trouble = message_text;
      raise warning '%', trouble;
    end;
  end loop;
  return recovered;
end
$$;

-- Activity, of this node only ---------------------------------------------------------------------------------------

create function pg_catalog.citus_stat_activity(
  out global_pid bigint, out nodeid integer, out is_worker_query boolean, out datid oid, out datname name,
  out pid integer, out leader_pid integer, out usesysid oid, out usename name, out application_name text,
  out client_addr inet, out client_hostname text, out client_port integer, out backend_start timestamptz,
  out xact_start timestamptz, out query_start timestamptz, out state_change timestamptz, out wait_event_type text,
  out wait_event text, out state text, out backend_xid xid, out backend_xmin xid, out query_id bigint,
  out query text, out backend_type text)
returns setof record
language sql
as $$
  with seen as (
    select a.*, substring(a.application_name from '^citus_(?:internal|run_command) gpid=(\d+)$')::bigint as origin,
      citus_internal.local_nodeid() as here
    from pg_catalog.pg_stat_activity a
  )
  select case when backend_type = 'client backend'
      then coalesce(origin, pg_catalog.citus_calculate_gpid(here, pid)) end,
    here, case when backend_type = 'client backend' then origin is not null end,
    datid, datname, pid, leader_pid, usesysid, usename, application_name, client_addr, client_hostname, client_port,
    backend_start, xact_start, query_start, state_change, wait_event_type, wait_event, state, backend_xid,
    backend_xmin, query_id, query, backend_type
  from seen
$$;

create view citus.citus_stat_activity as select * from pg_catalog.citus_stat_activity();

create view citus.citus_lock_waits as
  with activity as materialized (select * from pg_catalog.citus_stat_activity() where global_pid is not null)
  select waiting.global_pid as waiting_gpid, blocking.global_pid as blocking_gpid,
    waiting.query as blocked_statement, blocking.query as current_statement_in_blocking_process,
    waiting.nodeid as waiting_nodeid, blocking.nodeid as blocking_nodeid
  from activity waiting
    cross join unnest(case when waiting.wait_event_type = 'Lock' then pg_blocking_pids(waiting.pid) end) blocker
    join activity blocking on blocking.pid = blocker;

alter view citus.citus_stat_activity set schema pg_catalog;
alter view citus.citus_lock_waits set schema pg_catalog;
grant select on pg_catalog.citus_stat_activity, pg_catalog.citus_lock_waits to public;

-- Who may call what -------------------------------------------------------------------------------------------------

revoke all on function
  pg_catalog.citus_add_node(text, integer, integer, noderole, name),
  pg_catalog.citus_add_inactive_node(text, integer, integer, noderole, name),
  pg_catalog.citus_add_secondary_node(text, integer, text, integer, name),
  pg_catalog.citus_activate_node(text, integer),
  pg_catalog.citus_disable_node(text, integer, boolean),
  pg_catalog.citus_remove_node(text, integer),
  pg_catalog.citus_update_node(integer, text, integer, boolean, integer),
  pg_catalog.citus_set_coordinator_host(text, integer, noderole, name),
  pg_catalog.citus_set_node_property(text, integer, text, boolean),
  pg_catalog.start_metadata_sync_to_node(text, integer),
  pg_catalog.citus_pause_node_within_txn(integer, boolean, integer),
  pg_catalog.recover_prepared_transactions()
from public;

-- What metrics read of Citus' data plane, of which there is none here: nobody waits, nothing moves, nothing is counted.
create function pg_catalog.citus_internal_local_blocked_processes(
  out waiting_global_pid bigint, out waiting_pid integer, out waiting_node_id integer, out waiting_transaction_num bigint,
  out waiting_transaction_stamp timestamptz, out blocking_global_pid bigint, out blocking_pid integer, out blocking_node_id integer,
  out blocking_transaction_num bigint, out blocking_transaction_stamp timestamptz, out blocking_transaction_waiting boolean)
returns setof record language sql as $$ select null::bigint, 0, 0, 0::bigint, now(), 0::bigint, 0, 0, 0::bigint, now(), false where false $$;
create function pg_catalog.get_rebalance_progress(
  out operation_type text, out progress bigint, out source_shard_size bigint, out target_shard_size bigint, out source_lsn pg_lsn, out target_lsn pg_lsn)
returns setof record language sql as $$ select ''::text, 0::bigint, 0::bigint, 0::bigint, null::pg_lsn, null::pg_lsn where false $$;
create function pg_catalog.citus_stat_counters(of_database oid default 0,
  out database_id oid, out connection_establishment_succeeded bigint, out connection_establishment_failed bigint, out connection_reused bigint,
  out query_execution_single_shard bigint, out query_execution_multi_shard bigint, out stats_reset timestamptz)
returns setof record language sql as $$ select 0::oid, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, null::timestamptz where false $$;
create view citus.citus_stat_tenants_local as
  select ''::text as tenant_attribute, 0 as colocation_id, 0 as query_count_in_this_period, 0 as query_count_in_last_period,
         0::float8 as cpu_usage_in_this_period, 0::float8 as cpu_usage_in_last_period where false;
alter view citus.citus_stat_tenants_local set schema pg_catalog;
grant select on pg_catalog.citus_stat_tenants_local to public;
