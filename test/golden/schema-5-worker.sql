
create schema if not exists citus_sidecar;
revoke all on schema citus_sidecar from public;
create table if not exists citus_sidecar.schema_version (
  only_row boolean primary key default true check (only_row),
  version integer not null
);
create table if not exists citus_sidecar.notebook (
  only_row boolean primary key default true check (only_row),
  name text,
  system_identifier text,
  timeline integer,
  lsn pg_lsn,
  group_id integer,
  node_id integer,
  coordinator_system_identifier text,
  coordinator_server_id text,
  verified_at timestamptz,
  maintenance jsonb,
  beat timestamptz
);
insert into citus_sidecar.notebook default values on conflict do nothing;

-- The branch points of this timeline; reading server files is otherwise a superuser's right.
create or replace function citus_sidecar.timeline_history(timeline integer) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select pg_read_file('pg_wal/' || lpad(upper(to_hex(timeline)), 8, '0') || '.history', 0, 65536, true)
$$;

-- A table of its own: the notebook's row is locked while a write of the writable probe waits for a synchronous standby.
create table if not exists citus_sidecar.last_stop (
  only_row boolean primary key default true check (only_row),
  state jsonb
);
insert into citus_sidecar.last_stop default values on conflict do nothing;

-- Before PostgreSQL 15 only a superuser may.
create or replace function citus_sidecar.checkpoint() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  checkpoint;
end
$$;

-- The segment that holds everything written so far, closed so that it is archived.
create or replace function citus_sidecar.switch_wal() returns text
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select pg_walfile_name(pg_switch_wal()) $$;

-- Ends one client's session or, with only_cancel, its statement; a superuser's too, but never a sidecar's, and nothing but clients:
-- replication, archiver and maintenance have other backend types. The state is looked at again, as it is now and not as this
-- transaction first saw it: who began to work meanwhile is spared.
create or replace function citus_sidecar.end_client(client_pid integer, only_cancel boolean, only_idle boolean) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  select pg_stat_clear_snapshot();
  select case when only_cancel then pg_cancel_backend(a.pid) else pg_terminate_backend(a.pid) end
    from pg_stat_get_activity(client_pid) a
   where a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
     and not (a.usesysid = (select r.oid from pg_roles r where r.rolname = session_user) and a.application_name like 'citus-sidecar/%')
     and (not only_idle or a.state = 'idle')
$$;

-- Ends clients, sessions between nodes excepted, at the moment between two transactions: a busy client's pause is too short to be seen
-- from outside. Watches for so many milliseconds and returns how many it ended. A signal that arrives once the client has begun again
-- cuts that transaction, and no signal can be made to depend on that: so who has just ended one is chosen, and the clock looked at right
-- before the signal. Clients that pause for longer than the millisecond allowed here are safe; of those that never pause a few are not.
create or replace function citus_sidecar.end_idle(milliseconds integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  until timestamptz := clock_timestamp() + make_interval(secs => least(milliseconds, 1000) / 1000.0);
  self oid := (select r.oid from pg_roles r where r.rolname = session_user);
  told integer[] := '{}';
  client record;
begin
  loop
    perform pg_stat_clear_snapshot();
    for client in
      select a.pid, a.state_change as since from pg_stat_get_activity(null) a
       where a.state = 'idle' and a.backend_type = 'client backend' and a.pid <> pg_backend_pid() and a.pid <> all (told)
         and not (a.usesysid = self and a.application_name like 'citus-sidecar/%')
         and a.application_name not like 'citus\_%gpid=%'
       order by a.state_change desc
    loop
      -- Who has just ended a transaction has not begun the next one yet; who rests for long is not about to.
      if not clock_timestamp() - client.since between interval '1 millisecond' and interval '200 milliseconds' then
        if pg_terminate_backend(client.pid) then
          told := told || client.pid;
        end if;
      end if;
    end loop;
    exit when clock_timestamp() >= until;
    perform pg_sleep(0.0001);
  end loop;
  return cardinality(told);
end
$$;

create or replace function citus_sidecar.recover_prepared() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found integer;
begin
  execute 'select recover_prepared_transactions()' into found;
  return found;
end
$$;

-- Keeps writes away from the shards of a worker's group for as long as the caller's transaction lasts, on this server. The caller's
-- own limit is what ends it when nobody does, so without one nothing is locked. Which lock that is, Citus knows.
-- A transaction that has written to one of the shards and is about to write to another waits for us while we wait for it, and Citus'
-- search for deadlocks, every two seconds, would cancel it: so we look for that at once and give way, and wait briefly first. Who
-- comes to wait for us later is seen by the caller, who cancels this wait.
create or replace function citus_sidecar.hold_node(node_group integer, longest_ms integer, force boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set deadlock_timeout = '5ms'
as $$
declare
  target integer;
  patience integer := least(20, longest_ms);
  give_up timestamptz := clock_timestamp() + make_interval(secs => longest_ms / 1000.0);
begin
  if current_setting('idle_in_transaction_session_timeout') = '0' then
    raise exception 'a node is held with idle_in_transaction_session_timeout alone' using errcode = '55000';
  end if;
  select n.nodeid into target from pg_dist_node n where n.groupid = node_group and n.groupid <> 0 and n.noderole = 'primary';
  if target is null then
    raise exception 'group % is that of no worker here', node_group using errcode = '22023';
  end if;
  if force then
    perform set_config('lock_timeout', longest_ms::text, true);
    perform citus_pause_node_within_txn(target, true, longest_ms / 2);
    return;
  end if;
  loop
    begin
      perform set_config('lock_timeout', patience::text, true);
      perform citus_pause_node_within_txn(target);
      return;
    exception when lock_not_available or deadlock_detected or query_canceled then
      -- What was locked so far is free again, and those who waited for it go on.
      if clock_timestamp() + make_interval(secs => 2 * patience / 1000.0) > give_up then
        raise;
      end if;
    end;
    patience := patience * 2;
    perform pg_sleep(0.01);
  end loop;
end
$$;

-- Connections of this node's queries to others; nothing where Citus cannot say.
create or replace function citus_sidecar.remote_connections()
  returns table (hostname text, port integer, connection_count_to_node integer)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regprocedure('citus_remote_connection_stats()') is null then return; end if;
  return query select s.hostname::text, s.port::integer, s.connection_count_to_node::integer from citus_remote_connection_stats() s
    where s.database_name = current_database();
end $$;

-- How much columnar tables hold. Each is opened for a moment, so a lock on one fails the whole; nothing where columnar is not installed.
create or replace function citus_sidecar.columnar_usage()
  returns table (relation oid, stripes bigint, rows bigint, bytes bigint, plain_bytes bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('columnar.storage') is null then return; end if;
  return query execute '
    select s.relation::oid, t.stripes, t.rows, c.bytes, c.plain_bytes from columnar.storage s
      left join lateral (select count(*) as stripes, coalesce(sum(x.row_count), 0)::bigint as rows from columnar_internal.stripe x where x.storage_id = s.storage_id) t on true
      left join lateral (select coalesce(sum(x.value_stream_length), 0)::bigint as bytes, coalesce(sum(x.value_decompressed_length), 0)::bigint as plain_bytes
                           from columnar_internal.chunk x where x.storage_id = s.storage_id) c on true';
end $$;

grant usage on schema citus_sidecar to "citus_sidecar";
grant select on all tables in schema citus_sidecar to "citus_sidecar";
grant update on citus_sidecar.notebook, citus_sidecar.last_stop to "citus_sidecar";
revoke all on function citus_sidecar.timeline_history(integer) from public;
grant execute on function citus_sidecar.timeline_history(integer) to "citus_sidecar";
revoke all on function citus_sidecar.checkpoint() from public;
grant execute on function citus_sidecar.checkpoint() to "citus_sidecar";
revoke all on function citus_sidecar.switch_wal() from public;
grant execute on function citus_sidecar.switch_wal() to "citus_sidecar";
revoke all on function citus_sidecar.end_client(integer, boolean, boolean) from public;
grant execute on function citus_sidecar.end_client(integer, boolean, boolean) to "citus_sidecar";
revoke all on function citus_sidecar.end_idle(integer) from public;
grant execute on function citus_sidecar.end_idle(integer) to "citus_sidecar";
revoke all on function citus_sidecar.recover_prepared() from public;
grant execute on function citus_sidecar.recover_prepared() to "citus_sidecar";
revoke all on function citus_sidecar.hold_node(integer, integer, boolean) from public;
grant execute on function citus_sidecar.hold_node(integer, integer, boolean) to "citus_sidecar";
revoke all on function citus_sidecar.remote_connections() from public;
grant execute on function citus_sidecar.remote_connections() to "citus_sidecar";
revoke all on function citus_sidecar.columnar_usage() from public;
grant execute on function citus_sidecar.columnar_usage() to "citus_sidecar";
insert into citus_sidecar.schema_version (version) values (5)
       on conflict (only_row) do update set version = excluded.version;