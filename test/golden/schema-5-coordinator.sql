
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


create table if not exists citus_sidecar.members (
  name text primary key,
  role text not null,
  host text not null,
  port integer not null,
  group_wanted integer,
  group_id integer,
  node_id integer,
  system_identifier text,
  server_id text,
  timeline integer,
  lsn pg_lsn,
  in_recovery boolean not null default false,
  postgres_version text,
  citus_version text,
  sidecar_version text,
  state text not null default 'unknown',
  ready boolean not null default false,
  reason text not null default '',
  maintenance jsonb,
  lag_bytes bigint,
  joined_at timestamptz not null default clock_timestamp(),
  last_seen timestamptz not null default clock_timestamp()
);
alter table citus_sidecar.members add column if not exists heartbeat_seconds double precision;
alter table citus_sidecar.members add column if not exists pooler jsonb;
create table if not exists citus_sidecar.operations (
  id uuid primary key,
  member text not null,
  kind text not null,
  phase text not null,
  outcome text,
  reason text,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
-- The trace that an operation is, https://www.w3.org/TR/trace-context/; null where its sidecar makes none.
alter table citus_sidecar.operations add column if not exists traceparent text;
create index if not exists operations_started_at on citus_sidecar.operations (started_at);

-- What an earlier process of this member's sidecar began and nobody ended was cut off with that process.
create or replace function citus_sidecar.close_interrupted(member_name text, but uuid) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update citus_sidecar.operations set outcome = 'interrupted', ended_at = clock_timestamp()
   where member = member_name and outcome is null and kind in ('add', 'activate', 'update-address', 'follow-promotion', 'set-coordinator-host', 'add-secondary') and id is distinct from but
$$;
revoke all on function citus_sidecar.close_interrupted(text, uuid) from public;

-- A heartbeat. Identity may grow (later position, later timeline), never change: that takes accept_member().
create or replace function citus_sidecar.announce(announcement jsonb) returns setof citus_sidecar.members
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  said citus_sidecar.members := jsonb_populate_record(null::citus_sidecar.members, announcement);
  known citus_sidecar.members;
begin
  if said.name is null or said.role is null or said.host is null or said.port is null then
    raise exception 'an announcement needs name, role, host and port' using errcode = '22023';
  end if;
  perform from citus_sidecar.members m
    where m.name <> said.name and m.host = said.host and m.port = said.port
      and m.last_seen > clock_timestamp() - make_interval(secs => greatest(120, 4 * coalesce(m.heartbeat_seconds, 30)));
  if found then
    raise exception 'address %:% belongs to another member', said.host, said.port using errcode = '23505';
  end if;
  select * into known from citus_sidecar.members m where m.name = said.name for update;
  if known.system_identifier is not null and said.system_identifier is not null then
    if known.system_identifier <> said.system_identifier then
      raise exception 'member % has system identifier %, not %', said.name, known.system_identifier, said.system_identifier using errcode = '55000';
    end if;
    -- What is left out counts as unchanged, so that leaving it out gets nobody around the comparison.
    if not coalesce(said.in_recovery, false) and not known.in_recovery
       and (coalesce(said.timeline, known.timeline), coalesce(said.lsn, known.lsn)) < (known.timeline, known.lsn) then
      raise exception 'member % was at % on timeline %, and is now behind that', said.name, known.lsn, known.timeline using errcode = '55000';
    end if;
  end if;
  if (announcement->>'first')::boolean then
    perform citus_sidecar.close_interrupted(said.name, null);
  end if;
  insert into citus_sidecar.members as m (name, role, host, port, group_wanted, group_id, node_id, system_identifier, server_id, timeline, lsn,
      in_recovery, postgres_version, citus_version, sidecar_version, state, ready, reason, maintenance, lag_bytes, pooler, heartbeat_seconds)
  values (said.name, said.role, said.host, said.port, said.group_wanted, said.group_id, said.node_id, said.system_identifier, said.server_id,
      said.timeline, said.lsn, coalesce(said.in_recovery, false), said.postgres_version, said.citus_version, said.sidecar_version,
      coalesce(said.state, 'unknown'), coalesce(said.ready, false), coalesce(said.reason, ''), said.maintenance, said.lag_bytes, said.pooler,
      -- Nobody keeps an address for ever by announcing himself once a century; the setting's limits.
      least(greatest(said.heartbeat_seconds, 1), 600))
  on conflict (name) do update set
      role = excluded.role, host = excluded.host, port = excluded.port, group_wanted = excluded.group_wanted,
      group_id = coalesce(excluded.group_id, m.group_id), node_id = coalesce(excluded.node_id, m.node_id),
      system_identifier = coalesce(excluded.system_identifier, m.system_identifier), server_id = coalesce(excluded.server_id, m.server_id),
      timeline = coalesce(excluded.timeline, m.timeline), lsn = coalesce(excluded.lsn, m.lsn),
      in_recovery = case when excluded.system_identifier is null then m.in_recovery else excluded.in_recovery end,
      postgres_version = coalesce(excluded.postgres_version, m.postgres_version), citus_version = coalesce(excluded.citus_version, m.citus_version),
      sidecar_version = excluded.sidecar_version, state = excluded.state, ready = excluded.ready, reason = excluded.reason,
      maintenance = coalesce(excluded.maintenance, m.maintenance), lag_bytes = excluded.lag_bytes, pooler = excluded.pooler, heartbeat_seconds = excluded.heartbeat_seconds, last_seen = clock_timestamp();
  if known.name is null or (known.state, known.ready, known.host, known.port) is distinct from
     (coalesce(said.state, 'unknown'), coalesce(said.ready, false), said.host, said.port) then
    perform pg_notify('citus_sidecar', jsonb_build_object('member', said.name)::text);
  end if;
  return query select * from citus_sidecar.members;
end
$$;

-- A pooler whose sidecar ends: nobody waits for it any more. One that may still keep clients waiting stays, and so does every node.
create or replace function citus_sidecar.leave_pooler(member_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  delete from citus_sidecar.members m
   where m.name = member_name and m.role = 'pooler'
     and not exists (select from citus_sidecar.holds h join citus_sidecar.hold_answers a on a.hold_id = h.id
                      where h.released_at is null and h.expires_at > clock_timestamp()
                        and a.holder = m.name and a.kind = 'pool' and a.state = 'held');
  if found then
    perform pg_notify('citus_sidecar', jsonb_build_object('member', member_name)::text);
  end if;
end
$$;

-- A person said that this member's new identity is right: forget the old one and that it was registered.
create or replace function citus_sidecar.accept_member(member_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update citus_sidecar.members set system_identifier = null, server_id = null, timeline = null, lsn = null, node_id = null, group_id = null
   where name = member_name;
  perform pg_notify('citus_sidecar', jsonb_build_object('member', member_name)::text);
end
$$;

-- A node that was renamed on its own volume: its old names go once nobody answers to them. Returns those that are alive.
create or replace function citus_sidecar.take_over_members(member_name text, identifier text, on_timeline integer) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  delete from citus_sidecar.members m
   where m.name <> member_name and not m.in_recovery and m.system_identifier = identifier and m.timeline = on_timeline
     and m.last_seen < clock_timestamp() - make_interval(secs => greatest(10, 2.5 * coalesce(m.heartbeat_seconds, 30)));
  return query select m.name from citus_sidecar.members m
   where m.name <> member_name and not m.in_recovery and m.system_identifier = identifier and m.timeline = on_timeline order by m.name;
end
$$;

-- Who answers at a member's address, asked the way Citus itself connects.
create or replace function citus_sidecar.identity_at(host text, port integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  answer record;
begin
  perform from citus_sidecar.members m where m.host = identity_at.host and m.port = identity_at.port;
  if not found then
    perform from pg_dist_node n where n.nodename = identity_at.host and n.nodeport = identity_at.port;
  end if;
  if not found then
    raise exception '%:% is no address of a member', host, port using errcode = '22023';
  end if;
  select r.success, r.result into answer
    from master_run_on_worker(array[host], array[port], array[
      'select jsonb_build_object(''systemIdentifier'', system_identifier::text, ''inRecovery'', pg_is_in_recovery())::text from pg_control_system()'], false) r;
  if not answer.success then
    return jsonb_build_object('error', answer.result);
  end if;
  return answer.result::jsonb;
end
$$;

create or replace function citus_sidecar.known_member(member_name text) returns citus_sidecar.members
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.members;
begin
  select * into known from citus_sidecar.members m where m.name = member_name;
  if known.name is null or known.system_identifier is null then
    raise exception 'member % has not announced itself', member_name using errcode = '22023';
  end if;
  return known;
end
$$;
revoke all on function citus_sidecar.known_member(text) from public;

-- The server behind the address must be the one that announced itself: never register a stranger.
create or replace function citus_sidecar.check_identity(known citus_sidecar.members) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  there jsonb := citus_sidecar.identity_at(known.host, known.port);
begin
  if there ? 'error' then
    raise exception 'the coordinator cannot reach %:%: %', known.host, known.port, there->>'error' using errcode = '08006';
  end if;
  if there->>'systemIdentifier' <> known.system_identifier then
    raise exception 'at %:% answers another PostgreSQL (system identifier %) than member % (%)',
      known.host, known.port, there->>'systemIdentifier', known.name, known.system_identifier using errcode = '55000', detail = 'identity';
  end if;
end
$$;
revoke all on function citus_sidecar.check_identity(citus_sidecar.members) from public;

create or replace function citus_sidecar.register(member_name text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.members := citus_sidecar.known_member(member_name);
  new_group integer := known.group_wanted;
begin
  if known.role <> 'worker' or known.in_recovery then
    raise exception 'member % is no primary worker', member_name using errcode = '22023';
  end if;
  perform citus_sidecar.check_identity(known);
  -- Citus' own default takes the next number even where a group was given that number by hand, and fails.
  while new_group is null or (known.group_wanted is null and exists (select from pg_dist_node n where n.groupid = new_group)) loop
    new_group := nextval('pg_catalog.pg_dist_groupid_seq');
  end loop;
  return citus_add_node(known.host, known.port, new_group, 'primary', 'default');
end
$$;

create or replace function citus_sidecar.activate(member_name text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.members := citus_sidecar.known_member(member_name);
  node pg_dist_node;
begin
  perform citus_sidecar.check_identity(known);
  select * into node from pg_dist_node n where n.nodename = known.host and n.nodeport = known.port;
  -- An active node is activated again when its volume was emptied. Its copies of reference tables are gone, and Citus
  -- forgets them, which spares every writer of them an error, when it is disabled; it refuses that to the only place of a shard.
  if node.isactive and not exists (
    select from pg_dist_placement p where p.groupid = node.groupid
       and not exists (select from pg_dist_placement o where o.shardid = p.shardid and o.groupid <> p.groupid)) then
    perform citus_disable_node(known.host, known.port, true);
  end if;
  return citus_activate_node(known.host, known.port);
end
$$;

-- Points the group's row at the member: its address changed, or it was promoted.
create or replace function citus_sidecar.update_address(member_name text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.members := citus_sidecar.known_member(member_name);
  target record;
  own integer;
begin
  select n.nodeid, n.nodename, n.nodeport into target from pg_dist_node n where n.groupid = known.group_id and n.noderole = 'primary';
  if target is null then
    raise exception 'group % of member % has no row', known.group_id, member_name using errcode = '22023';
  end if;
  -- The coordinator cannot be asked over the wire for its own row before the row is right.
  if known.group_id <> 0 then
    perform citus_sidecar.check_identity(known);
  end if;
  -- A secondary that was promoted has a row of its own, and no two may have one address: the two trade theirs.
  select n.nodeid into own from pg_dist_node n
    where n.groupid = known.group_id and n.noderole <> 'primary' and n.nodename = known.host and n.nodeport = known.port;
  if own is not null then
    perform citus_update_node(own, 'citus-sidecar-trades', 1, false, 10000);
  end if;
  perform citus_update_node(target.nodeid, known.host, known.port, false, 10000);
  if own is not null then
    perform citus_update_node(own, target.nodename, target.nodeport, false, 10000);
  end if;
  return target.nodeid;
end
$$;

create or replace function citus_sidecar.set_coordinator_host(member_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.members := citus_sidecar.known_member(member_name);
begin
  if known.role <> 'coordinator' or known.in_recovery then
    raise exception 'member % is no primary coordinator', member_name using errcode = '22023';
  end if;
  -- With rows of group 0 but no primary among them Citus 13.2 ends the server process.
  perform from pg_dist_node n where n.groupid = 0;
  if found then
    raise exception 'group 0 has rows already' using errcode = '22023';
  end if;
  perform citus_set_coordinator_host(known.host, known.port);
end
$$;

create or replace function citus_sidecar.register_secondary(member_name text, cluster_name text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.members := citus_sidecar.known_member(member_name);
  leader record;
begin
  select n.nodename, n.nodeport into leader from pg_dist_node n where n.groupid = known.group_id and n.noderole = 'primary';
  if leader is null or not known.in_recovery or (known.group_id = 0) <> (known.role = 'coordinator') then
    raise exception 'member % is no standby of a registered group', member_name using errcode = '22023';
  end if;
  perform citus_sidecar.check_identity(known);
  return citus_add_secondary_node(known.host, known.port, leader.nodename, leader.nodeport, cluster_name);
end
$$;

-- One row an operation; the oldest go when there are more than a thousand.
create or replace function citus_sidecar.record_operation(operation jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  said citus_sidecar.operations := jsonb_populate_record(null::citus_sidecar.operations, operation);
begin
  -- A member has one registration call at a time: an older one without an end was cut off.
  if said.kind in ('add', 'activate', 'update-address', 'follow-promotion', 'set-coordinator-host', 'add-secondary') and not exists (select from citus_sidecar.operations o where o.id = said.id) then
    perform citus_sidecar.close_interrupted(said.member, said.id);
  end if;
  insert into citus_sidecar.operations as o (id, member, kind, phase, outcome, reason, traceparent, ended_at)
  values (said.id, said.member, said.kind, said.phase, said.outcome, said.reason, left(said.traceparent, 55), case when said.outcome is null then null else clock_timestamp() end)
  on conflict (id) do update set phase = excluded.phase, outcome = excluded.outcome, reason = excluded.reason, ended_at = excluded.ended_at;
  delete from citus_sidecar.operations o where o.id in
    (select old.id from citus_sidecar.operations old order by old.started_at desc offset 1000);
end
$$;

create table if not exists citus_sidecar.holds (
  id uuid primary key,
  member text not null,
  kinds text[] not null,
  requested_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  released_at timestamptz,
  reason text not null default ''
);
-- The trace in which it was asked for, so that those who hold are part of it.
alter table citus_sidecar.holds add column if not exists traceparent text;
-- Two drains at once would each wait for what the other holds: the index lets no second hold be open.
create unique index if not exists holds_one_open on citus_sidecar.holds ((true)) where released_at is null;
create table if not exists citus_sidecar.hold_answers (
  hold_id uuid not null references citus_sidecar.holds on delete cascade,
  holder text not null,
  kind text not null,
  state text not null check (state in ('held', 'failed', 'released')),
  reason text not null default '',
  at timestamptz not null default clock_timestamp(),
  primary key (hold_id, holder, kind)
);

-- Opens a hold, or returns the one that is open under this id: asking twice, or again after a restart, changes nothing and extends nothing.
create or replace function citus_sidecar.request_hold(request jsonb) returns setof citus_sidecar.holds
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  said citus_sidecar.holds := jsonb_populate_record(null::citus_sidecar.holds, request);
  lasts interval := make_interval(secs => (request->>'seconds')::double precision);
  other citus_sidecar.holds;
begin
  -- Each part is a truth of its own: with a null in one of them the whole would be neither true nor false.
  if said.id is null or said.member is null or coalesce(cardinality(said.kinds), 0) = 0 or not said.kinds <@ array['pool', 'node']
     or lasts is null or lasts <= interval '0' or lasts > interval '600 seconds' then
    raise exception 'a hold needs id, kinds out of pool and node, and seconds up to 600' using errcode = '22023';
  end if;
  perform from citus_sidecar.members m where m.name = said.member;
  if not found then
    raise exception 'member % has not announced itself', said.member using errcode = '22023';
  end if;
  perform pg_advisory_xact_lock(1668510577, 3);
  update citus_sidecar.holds h set released_at = h.expires_at, reason = 'its lease ran out' where h.released_at is null and h.expires_at <= clock_timestamp();
  -- A member's own older hold is one that it could not release.
  update citus_sidecar.holds h set released_at = clock_timestamp(), reason = 'superseded by a newer one of the same member'
   where h.released_at is null and h.member = said.member and h.id <> said.id;
  select * into other from citus_sidecar.holds h where h.released_at is null and h.id <> said.id;
  if found then
    raise exception 'member % holds the traffic until %', other.member, other.expires_at using errcode = '55006';
  end if;
  insert into citus_sidecar.holds (id, member, kinds, expires_at, traceparent)
    values (said.id, said.member, said.kinds, clock_timestamp() + lasts, left(said.traceparent, 55))
    on conflict (id) do nothing;
  if found then
    perform pg_notify('citus_sidecar', jsonb_build_object('hold', said.id)::text);
  end if;
  delete from citus_sidecar.holds h where h.id in
    (select old.id from citus_sidecar.holds old where old.released_at is not null order by old.requested_at desc offset 1000);
  return query select * from citus_sidecar.holds h where h.id = said.id;
end
$$;

-- Closes a hold; that of another id, a closed one and an unknown one stay as they are.
create or replace function citus_sidecar.release_hold(hold_id uuid, why text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update citus_sidecar.holds h set released_at = clock_timestamp(), reason = left(why, 500) where h.id = hold_id and h.released_at is null;
  if found then
    perform pg_notify('citus_sidecar', jsonb_build_object('hold', hold_id)::text);
  end if;
end
$$;

-- What one holder says of a hold; only what is new is told to the others.
create or replace function citus_sidecar.answer_hold(answer jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  said citus_sidecar.hold_answers := jsonb_populate_record(null::citus_sidecar.hold_answers, answer);
begin
  if said.hold_id is null or coalesce(length(said.holder), 0) not between 1 and 63 or coalesce(said.kind, '') not in ('pool', 'node')
     or coalesce(said.state, '') not in ('held', 'failed', 'released') then
    raise exception 'an answer needs hold_id, holder, kind (pool, node) and state (held, failed, released)' using errcode = '22023';
  end if;
  insert into citus_sidecar.hold_answers as a (hold_id, holder, kind, state, reason)
    select said.hold_id, said.holder, said.kind, said.state, left(coalesce(said.reason, ''), 500)
     where exists (select from citus_sidecar.holds h where h.id = said.hold_id)
    on conflict (hold_id, holder, kind) do update set state = excluded.state, reason = excluded.reason, at = clock_timestamp()
     where (a.state, a.reason) is distinct from (excluded.state, excluded.reason);
  if found then
    perform pg_notify('citus_sidecar', jsonb_build_object('hold', said.hold_id)::text);
  end if;
end
$$;

create table if not exists citus_sidecar.drain_phases (
  operation uuid not null,
  phase text not null,
  member text not null,
  began timestamptz not null,
  took_ms double precision,
  outcome text check (outcome in ('done', 'failed', 'skipped')),
  reason text not null default '',
  primary key (operation, phase)
);
-- What the server's state at the drain's begin let expect; a ledger of the version before has no such column.
alter table citus_sidecar.drain_phases add column if not exists expected_ms double precision;
create index if not exists drain_phases_began on citus_sidecar.drain_phases (began);
create table if not exists citus_sidecar.stop_states (
  member text primary key,
  operation uuid not null,
  state jsonb not null,
  kept_at timestamptz not null default clock_timestamp(),
  -- Whether the member has returned and the cluster was compared with this.
  returned_at timestamptz
);

-- A drain as far as it has come: all its phases, and the state at its end once that is known. Telling it again changes nothing.
create or replace function citus_sidecar.record_drain(drain jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  said record;
begin
  select * into said from jsonb_to_record(drain) as d(operation uuid, member text, phases jsonb, state jsonb);
  if said.operation is null or coalesce(length(said.member), 0) not between 1 and 63 or coalesce(jsonb_typeof(said.phases), '') <> 'array'
     or jsonb_array_length(said.phases) > 20 or length(said.state::text) > 1000000 then
    raise exception 'a drain needs operation, member, at most 20 phases and a state of at most 1000000 bytes' using errcode = '22023';
  end if;
  -- A node must not wait for the coordinator's synchronous standby to stop.
  perform set_config('synchronous_commit', 'local', true);
  insert into citus_sidecar.drain_phases as known (operation, phase, member, began, expected_ms, took_ms, outcome, reason)
    select said.operation, left(p.phase, 63), said.member, to_timestamp(p.began / 1000), p.expected_ms, p.took_ms, p.outcome, left(coalesce(p.reason, ''), 500)
      from jsonb_to_recordset(said.phases) as p(phase text, began double precision, expected_ms double precision, took_ms double precision, outcome text, reason text)
    on conflict (operation, phase) do update
      set began = excluded.began, took_ms = excluded.took_ms, outcome = excluded.outcome, reason = excluded.reason
    where known.member = excluded.member
      and (known.began, known.took_ms, known.outcome, known.reason) is distinct from (excluded.began, excluded.took_ms, excluded.outcome, excluded.reason);
  delete from citus_sidecar.drain_phases p where (p.operation, p.phase) in
    (select old.operation, old.phase from citus_sidecar.drain_phases old order by old.began desc offset 5000);
  if said.state is not null then
    insert into citus_sidecar.stop_states as known (member, operation, state) values (said.member, said.operation, said.state)
      on conflict (member) do update set operation = excluded.operation, state = excluded.state, kept_at = clock_timestamp(), returned_at = null
      where known.operation <> excluded.operation;
    delete from citus_sidecar.stop_states s where s.member in
      (select old.member from citus_sidecar.stop_states old order by old.kept_at desc offset 1000);
  end if;
end
$$;

-- The member is back: what its state was is no longer compared with, and a drain of which its sidecar has lost sight is over.
create or replace function citus_sidecar.end_drains(member_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('synchronous_commit', 'local', true);
  update citus_sidecar.stop_states s set returned_at = clock_timestamp() where s.member = member_name and s.returned_at is null;
  update citus_sidecar.operations o
     set phase = 'back', ended_at = clock_timestamp(),
         outcome = case when not exists (select from citus_sidecar.drain_phases p where p.operation = o.id and p.phase = 'keep' and p.outcome is not null) then 'interrupted'
                        when exists (select from citus_sidecar.drain_phases p where p.operation = o.id and p.outcome = 'failed') then 'incomplete'
                        else 'succeeded' end
   where o.member = member_name and o.kind = 'drain' and o.outcome is null;
  -- The sidecar of a drain that is known tells of it again, and knows better.
  update citus_sidecar.drain_phases p set outcome = 'failed', reason = 'its sidecar ended, and the next one did not know of it'
   where p.member = member_name and p.outcome is null;
end
$$;

create table if not exists citus_sidecar.removals (
  id uuid primary key,
  member text not null,
  node_id integer not null,
  group_id integer not null,
  host text not null,
  port integer not null,
  transfer_mode text not null default 'auto' check (transfer_mode in ('auto', 'force_logical', 'block_writes')),
  allow_gap boolean not null default false,
  requested_at timestamptz not null default clock_timestamp(),
  cancelled_at timestamptz,
  -- Whether the node was to have shards before; null until it is to have none.
  had_shards boolean,
  job_id bigint,
  starts integer not null default 0,
  phase text not null default 'asked',
  phase_at timestamptz not null default clock_timestamp(),
  reason text not null default '',
  progress jsonb,
  -- The last word of the coordinator's sidecar about it.
  told_at timestamptz,
  outcome text check (outcome in ('succeeded', 'failed', 'refused', 'cancelled')),
  ended_at timestamptz
);
-- The trace that it is, so that a sidecar that takes it up goes on with it.
alter table citus_sidecar.removals add column if not exists traceparent text;
-- Two removals at once would each move shards to the node that the other empties.
create unique index if not exists removals_one_open on citus_sidecar.removals ((true)) where outcome is null;

-- Opens the removal of a registered node, or returns the one that is open for it: asking twice changes nothing.
create or replace function citus_sidecar.request_removal(request jsonb) returns setof citus_sidecar.removals
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  said citus_sidecar.removals := jsonb_populate_record(null::citus_sidecar.removals, request);
  node record;
  other citus_sidecar.removals;
begin
  if said.id is null or coalesce(length(said.member), 0) not between 1 and 300 or said.node_id is null then
    raise exception 'a removal needs id, member and node_id' using errcode = '22023';
  end if;
  select n.nodeid, n.groupid, n.nodename, n.nodeport into node from pg_dist_node n where n.nodeid = said.node_id;
  if node is null or node.groupid = 0 then
    raise exception 'node % is no node of a worker', said.node_id using errcode = '22023';
  end if;
  perform pg_advisory_xact_lock(1668510577, 4);
  select * into other from citus_sidecar.removals r where r.outcome is null;
  if other.id is not null and (other.node_id <> said.node_id or other.cancelled_at is not null) then
    raise exception 'the removal of % is going on%', other.member, case when other.cancelled_at is null then '' else ', and is being cancelled' end
      using errcode = '55006';
  end if;
  if other.id is null then
    insert into citus_sidecar.removals (id, member, node_id, group_id, host, port, transfer_mode, allow_gap)
      values (said.id, said.member, node.nodeid, node.groupid, node.nodename, node.nodeport,
              coalesce(said.transfer_mode, 'auto'), coalesce(said.allow_gap, false));
    perform pg_notify('citus_sidecar', jsonb_build_object('removal', said.id)::text);
    delete from citus_sidecar.removals r where r.id in
      (select old.id from citus_sidecar.removals old where old.outcome is not null order by old.requested_at desc offset 1000);
  end if;
  return query select * from citus_sidecar.removals r where r.id = coalesce(other.id, said.id);
end
$$;

-- Stops the removal of a node; one that ended without an end to it, and left the node without shards to come, is taken up again to undo that.
create or replace function citus_sidecar.cancel_removal(wanted_node integer) returns setof citus_sidecar.removals
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found_id uuid;
begin
  perform pg_advisory_xact_lock(1668510577, 4);
  select r.id into found_id from citus_sidecar.removals r where r.node_id = wanted_node and r.outcome is null;
  if found_id is null and not exists (select from citus_sidecar.removals r where r.outcome is null) then
    select last.id into found_id
      from (select * from citus_sidecar.removals r where r.node_id = wanted_node order by r.requested_at desc limit 1) last
     where last.outcome = 'failed' and last.had_shards
       and exists (select from pg_dist_node n where n.nodeid = wanted_node and not n.shouldhaveshards);
  end if;
  update citus_sidecar.removals r
     set cancelled_at = coalesce(r.cancelled_at, clock_timestamp()), outcome = null, ended_at = null
   where r.id = found_id;
  if found then
    perform pg_notify('citus_sidecar', jsonb_build_object('removal', found_id)::text);
  end if;
  return query select * from citus_sidecar.removals r where r.id = found_id;
end
$$;

-- What the coordinator's sidecar says of an open removal: phase, reason, progress, outcome; told to the others where it is new.
create or replace function citus_sidecar.note_removal(note jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  said citus_sidecar.removals := jsonb_populate_record(null::citus_sidecar.removals, note);
  known citus_sidecar.removals;
begin
  select * into known from citus_sidecar.removals r where r.id = said.id and r.outcome is null for update;
  if known.id is null or coalesce(length(said.phase), 0) not between 1 and 63 then
    raise exception 'removal % is not going on, or no phase was said', said.id using errcode = '22023';
  end if;
  update citus_sidecar.removals r
     set phase = said.phase, phase_at = case when r.phase = said.phase then r.phase_at else clock_timestamp() end,
         reason = left(coalesce(said.reason, ''), 4000), progress = coalesce(said.progress, r.progress), told_at = clock_timestamp(),
         traceparent = coalesce(r.traceparent, left(said.traceparent, 55)), outcome = said.outcome, ended_at = case when said.outcome is null then null else clock_timestamp() end
   where r.id = said.id;
  if known.told_at is null or (known.phase, known.outcome) is distinct from (said.phase, said.outcome) then
    perform citus_sidecar.record_operation(jsonb_build_object('id', known.id, 'member', known.member, 'kind', 'remove', 'phase', said.phase,
      'outcome', said.outcome, 'reason', left(said.reason, 4000), 'traceparent', coalesce(known.traceparent, said.traceparent)));
    perform pg_notify('citus_sidecar', jsonb_build_object('removal', known.id)::text);
  end if;
end
$$;

-- Members that were removed and have been silent since for so long that nobody is there any more.
create or replace function citus_sidecar.forget_removed() returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    delete from citus_sidecar.members m using citus_sidecar.removals r
     where r.outcome = 'succeeded'
       and (m.name = r.member and m.node_id = r.node_id or m.in_recovery and m.role = 'worker' and m.group_id = r.group_id)
       and not exists (select from pg_dist_node n where n.nodeid = m.node_id or n.groupid = r.group_id or (n.nodename = m.host and n.nodeport = m.port))
       and m.last_seen < clock_timestamp() - make_interval(secs => greatest(120, 4 * coalesce(m.heartbeat_seconds, 30)))
    returning m.name;
end
$$;

-- Shards of distributed tables that a group has: what a removal has to move away.
create or replace function citus_sidecar.shards_of_group(wanted_group integer) returns table (table_id oid, shard_id bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select s.logicalrelid::oid, s.shardid
    from pg_dist_placement p join pg_dist_shard s on s.shardid = p.shardid join pg_dist_partition t on t.logicalrelid = s.logicalrelid
   where p.groupid = wanted_group and t.repmodel <> 't'
$$;

-- Size and estimated rows of these shards, as the group's primary counts them; nothing where it does not answer.
create or replace function citus_sidecar.sizes_of_group(wanted_group integer) returns table (table_id oid, shard_id bigint, bytes bigint, row_count bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
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
language plpgsql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
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
language sql security definer set search_path = pg_catalog, pg_temp
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
language plpgsql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
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
$$;

create or replace function citus_sidecar.open_removal(removal_id uuid, to_undo boolean) returns citus_sidecar.removals
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.removals;
begin
  select * into known from citus_sidecar.removals r where r.id = removal_id and r.outcome is null for update;
  if known.id is null or (known.cancelled_at is not null) <> to_undo or not exists (select from pg_dist_node n where n.nodeid = known.node_id) then
    raise exception 'removal % is not going on', removal_id using errcode = '22023';
  end if;
  return known;
end
$$;
revoke all on function citus_sidecar.open_removal(uuid, boolean) from public;

-- The node is to have no shards. A node that is dead cannot be told; where it has none to move, that is no harm.
create or replace function citus_sidecar.removal_shards_off(removal_id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
as $$
declare
  known citus_sidecar.removals := citus_sidecar.open_removal(removal_id, false);
  node record;
begin
  select n.nodename, n.nodeport, n.shouldhaveshards, n.noderole into node from pg_dist_node n where n.nodeid = known.node_id;
  update citus_sidecar.removals r set had_shards = coalesce(r.had_shards, node.shouldhaveshards) where r.id = removal_id;
  if node.noderole <> 'primary' or not node.shouldhaveshards
     or not exists (select from citus_sidecar.shards_of_group(known.group_id)) and not citus_check_connection_to_node(node.nodename, node.nodeport) then
    return;
  end if;
  perform citus_set_node_property(node.nodename, node.nodeport, 'shouldhaveshards', false);
end
$$;

-- What removal_shards_off did is undone, once the removal is cancelled.
create or replace function citus_sidecar.removal_shards_on(removal_id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.removals := citus_sidecar.open_removal(removal_id, true);
begin
  if known.had_shards then
    perform citus_set_node_property(n.nodename, n.nodeport, 'shouldhaveshards', true)
       from pg_dist_node n where n.nodeid = known.node_id and not n.shouldhaveshards;
  end if;
end
$$;

-- Starts the move of all shards away from the node, in the background and as the owner of this function: Citus moves a table's shards for
-- its owner or a superuser only. Which shards go where, Citus decides. Started twice it is the same job.
create or replace function citus_sidecar.removal_start(removal_id uuid) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
as $$
declare
  known citus_sidecar.removals := citus_sidecar.open_removal(removal_id, false);
  job bigint;
begin
  select j.job_id into job from pg_dist_background_job j where j.job_type = 'rebalance' and j.state::text not in ('finished', 'failed', 'cancelled');
  if job is not null and job is distinct from known.job_id then
    raise exception 'rebalance job % is going on', job using errcode = '55006';
  end if;
  if job is not null then
    return job;
  end if;
  perform from pg_dist_node n where n.nodeid = known.node_id and n.shouldhaveshards;
  if found then
    raise exception 'node % is to have shards', known.member using errcode = '55000';
  end if;
  job := citus_rebalance_start(drain_only => true, shard_transfer_mode => known.transfer_mode::citus.shard_transfer_mode);
  if coalesce(job, 0) = 0 then
    raise exception 'Citus has no move for the shards that are left' using errcode = '0A000';
  end if;
  update citus_sidecar.removals r set job_id = job, starts = r.starts + 1 where r.id = removal_id;
  return job;
end
$$;

-- Stops the removal's own job, and no other.
create or replace function citus_sidecar.removal_stop(removal_id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  known citus_sidecar.removals := citus_sidecar.open_removal(removal_id, true);
begin
  perform from pg_dist_background_job j where j.job_id = known.job_id and j.state::text in ('scheduled', 'running');
  if found then
    perform citus_job_cancel(known.job_id);
  end if;
end
$$;

-- Bytes of the shards that are still to be moved, as the node itself counts them; null where it does not say.
create or replace function citus_sidecar.removal_bytes(removal_id uuid) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
as $$
  select sum(z.bytes)::bigint from citus_sidecar.removals r, citus_sidecar.sizes_of_group(r.group_id) z where r.id = removal_id
$$;

-- Prepared transactions that the node began and that wait on any node for it to say how they end; with recover it is told to say so first.
create or replace function citus_sidecar.removal_unsettled(removal_id uuid, recover boolean) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
as $$
declare
  known citus_sidecar.removals;
  node record;
begin
  select * into known from citus_sidecar.removals r where r.id = removal_id and r.outcome is null;
  -- A secondary began none; those of its group are its primary's to settle.
  perform from pg_dist_node n where n.groupid = known.group_id and n.noderole = 'primary' and n.nodeid <> known.node_id;
  if found or known.id is null then
    return '{"left": [], "silent": []}';
  end if;
  select n.nodename, n.nodeport into node from pg_dist_node n where n.nodeid = known.node_id and n.noderole = 'primary' and n.isactive;
  -- Never on a node that is removed already: it is no longer known whose transactions it takes for its own.
  if recover and node.nodename is not null then
    perform r.success from master_run_on_worker(array[node.nodename], array[node.nodeport], array['select recover_prepared_transactions()'], false) r;
  end if;
  return citus_sidecar.prepared_by(known.group_id);
end
$$;

-- Removes the node, its secondaries first. One that does not answer is disabled before, which Citus needs to forget its copies of reference
-- tables; both refuse a node that is the only place of a shard.
create or replace function citus_sidecar.removal_drop(removal_id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set citus.node_connection_timeout = '5s'
as $$
declare
  known citus_sidecar.removals := citus_sidecar.open_removal(removal_id, false);
  node record;
  secondary record;
begin
  select n.nodename, n.nodeport, n.noderole, n.isactive into node from pg_dist_node n where n.nodeid = known.node_id;
  if node.noderole = 'primary' then
    perform from citus_sidecar.shards_of_group(known.group_id);
    if found then
      raise exception 'node % still has shards', known.member using errcode = '55000';
    end if;
    for secondary in select n.nodename, n.nodeport from pg_dist_node n where n.groupid = known.group_id and n.nodeid <> known.node_id loop
      perform citus_remove_node(secondary.nodename, secondary.nodeport);
    end loop;
    -- Synchronously: then it is one transaction, and the first worker, of which Citus makes special use, may go as well.
    if node.isactive and not citus_check_connection_to_node(node.nodename, node.nodeport) then
      perform citus_disable_node(node.nodename, node.nodeport, true);
    end if;
  end if;
  perform citus_remove_node(node.nodename, node.nodeport);
  -- Its sidecar must know that it was registered, or it would register it again.
  update citus_sidecar.members m set node_id = known.node_id where m.host = node.nodename and m.port = node.nodeport and m.node_id is null;
end
$$;
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
revoke all on function citus_sidecar.announce(jsonb) from public;
grant execute on function citus_sidecar.announce(jsonb) to "citus_sidecar";
revoke all on function citus_sidecar.accept_member(text) from public;
grant execute on function citus_sidecar.accept_member(text) to "citus_sidecar";
revoke all on function citus_sidecar.leave_pooler(text) from public;
grant execute on function citus_sidecar.leave_pooler(text) to "citus_sidecar";
revoke all on function citus_sidecar.take_over_members(text, text, integer) from public;
grant execute on function citus_sidecar.take_over_members(text, text, integer) to "citus_sidecar";
revoke all on function citus_sidecar.identity_at(text, integer) from public;
grant execute on function citus_sidecar.identity_at(text, integer) to "citus_sidecar";
revoke all on function citus_sidecar.register(text) from public;
grant execute on function citus_sidecar.register(text) to "citus_sidecar";
revoke all on function citus_sidecar.activate(text) from public;
grant execute on function citus_sidecar.activate(text) to "citus_sidecar";
revoke all on function citus_sidecar.update_address(text) from public;
grant execute on function citus_sidecar.update_address(text) to "citus_sidecar";
revoke all on function citus_sidecar.set_coordinator_host(text) from public;
grant execute on function citus_sidecar.set_coordinator_host(text) to "citus_sidecar";
revoke all on function citus_sidecar.register_secondary(text, text) from public;
grant execute on function citus_sidecar.register_secondary(text, text) to "citus_sidecar";
revoke all on function citus_sidecar.record_operation(jsonb) from public;
grant execute on function citus_sidecar.record_operation(jsonb) to "citus_sidecar";
revoke all on function citus_sidecar.request_hold(jsonb) from public;
grant execute on function citus_sidecar.request_hold(jsonb) to "citus_sidecar";
revoke all on function citus_sidecar.release_hold(uuid, text) from public;
grant execute on function citus_sidecar.release_hold(uuid, text) to "citus_sidecar";
revoke all on function citus_sidecar.answer_hold(jsonb) from public;
grant execute on function citus_sidecar.answer_hold(jsonb) to "citus_sidecar";
revoke all on function citus_sidecar.record_drain(jsonb) from public;
grant execute on function citus_sidecar.record_drain(jsonb) to "citus_sidecar";
revoke all on function citus_sidecar.end_drains(text) from public;
grant execute on function citus_sidecar.end_drains(text) to "citus_sidecar";
revoke all on function citus_sidecar.request_removal(jsonb) from public;
grant execute on function citus_sidecar.request_removal(jsonb) to "citus_sidecar";
revoke all on function citus_sidecar.cancel_removal(integer) from public;
grant execute on function citus_sidecar.cancel_removal(integer) to "citus_sidecar";
revoke all on function citus_sidecar.note_removal(jsonb) from public;
grant execute on function citus_sidecar.note_removal(jsonb) to "citus_sidecar";
revoke all on function citus_sidecar.forget_removed() from public;
grant execute on function citus_sidecar.forget_removed() to "citus_sidecar";
revoke all on function citus_sidecar.shards_of_group(integer) from public;
grant execute on function citus_sidecar.shards_of_group(integer) to "citus_sidecar";
revoke all on function citus_sidecar.sizes_of_group(integer) from public;
grant execute on function citus_sidecar.sizes_of_group(integer) to "citus_sidecar";
revoke all on function citus_sidecar.prepared_by(integer) from public;
grant execute on function citus_sidecar.prepared_by(integer) to "citus_sidecar";
revoke all on function citus_sidecar.survey_nodes(integer) from public;
grant execute on function citus_sidecar.survey_nodes(integer) to "citus_sidecar";
revoke all on function citus_sidecar.removal_shards_off(uuid) from public;
grant execute on function citus_sidecar.removal_shards_off(uuid) to "citus_sidecar";
revoke all on function citus_sidecar.removal_shards_on(uuid) from public;
grant execute on function citus_sidecar.removal_shards_on(uuid) to "citus_sidecar";
revoke all on function citus_sidecar.removal_start(uuid) from public;
grant execute on function citus_sidecar.removal_start(uuid) to "citus_sidecar";
revoke all on function citus_sidecar.removal_stop(uuid) from public;
grant execute on function citus_sidecar.removal_stop(uuid) to "citus_sidecar";
revoke all on function citus_sidecar.removal_bytes(uuid) from public;
grant execute on function citus_sidecar.removal_bytes(uuid) to "citus_sidecar";
revoke all on function citus_sidecar.removal_unsettled(uuid, boolean) from public;
grant execute on function citus_sidecar.removal_unsettled(uuid, boolean) to "citus_sidecar";
revoke all on function citus_sidecar.removal_drop(uuid) from public;
grant execute on function citus_sidecar.removal_drop(uuid) to "citus_sidecar";
insert into citus_sidecar.schema_version (version) values (5)
       on conflict (only_row) do update set version = excluded.version;