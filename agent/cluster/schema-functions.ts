// The ledger's functions: each does one thing, checks what it is asked, and runs as the superuser who ran bootstrap,
// because Citus lets only a superuser add nodes. None takes an address that is not in the ledger.
import { actions } from './ledger.ts'
import { addressIntervals, addressKept, lostFloor, lostIntervals, usualHeartbeat } from './silence.ts'

const definer = 'security definer set search_path = pg_catalog, pg_temp'

/** The kinds of operations of which a member has one at a time; others (drain) outlive the process that began them. */
const registrationKinds = Object.keys(actions)
  .map((kind) => `'${kind}'`)
  .join(', ')

export const ledgerFunctionsSql = `
-- What an earlier process of this member's sidecar began and nobody ended was cut off with that process.
create or replace function citus_sidecar.close_interrupted(member_name text, but uuid) returns void
language sql ${definer}
as $$
  update citus_sidecar.operations set outcome = 'interrupted', ended_at = clock_timestamp()
   where member = member_name and outcome is null and kind in (${registrationKinds}) and id is distinct from but
$$;
revoke all on function citus_sidecar.close_interrupted(text, uuid) from public;

-- A heartbeat. Identity may grow (later position, later timeline), never change: that takes accept_member().
create or replace function citus_sidecar.announce(announcement jsonb) returns setof citus_sidecar.members
language plpgsql ${definer}
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
      and m.last_seen > clock_timestamp() - make_interval(secs => greatest(${addressKept}, ${addressIntervals} * coalesce(m.heartbeat_seconds, ${usualHeartbeat})));
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
      in_recovery, postgres_version, citus_version, sidecar_version, state, ready, reason, maintenance, lag_bytes, pooler, http_port, heartbeat_seconds)
  values (said.name, said.role, said.host, said.port, said.group_wanted, said.group_id, said.node_id, said.system_identifier, said.server_id,
      said.timeline, said.lsn, coalesce(said.in_recovery, false), said.postgres_version, said.citus_version, said.sidecar_version,
      coalesce(said.state, 'unknown'), coalesce(said.ready, false), coalesce(said.reason, ''), said.maintenance, said.lag_bytes, said.pooler, said.http_port,
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
      maintenance = coalesce(excluded.maintenance, m.maintenance), lag_bytes = excluded.lag_bytes, pooler = excluded.pooler,
      http_port = excluded.http_port, heartbeat_seconds = excluded.heartbeat_seconds, last_seen = clock_timestamp();
  if known.name is null or (known.state, known.ready, known.host, known.port) is distinct from
     (coalesce(said.state, 'unknown'), coalesce(said.ready, false), said.host, said.port) then
    perform pg_notify('citus_sidecar', jsonb_build_object('member', said.name)::text);
  end if;
  return query select * from citus_sidecar.members;
end
$$;

-- A pooler whose sidecar ends: nobody waits for it any more. One that may still keep clients waiting stays, and so does every node.
create or replace function citus_sidecar.leave_pooler(member_name text) returns void
language plpgsql ${definer}
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
language plpgsql ${definer}
as $$
begin
  update citus_sidecar.members set system_identifier = null, server_id = null, timeline = null, lsn = null, node_id = null, group_id = null
   where name = member_name;
  perform pg_notify('citus_sidecar', jsonb_build_object('member', member_name)::text);
end
$$;

-- A node that was renamed on its own volume: its old names go once nobody answers to them. Returns those that are alive.
create or replace function citus_sidecar.take_over_members(member_name text, identifier text, on_timeline integer) returns setof text
language plpgsql ${definer}
as $$
begin
  delete from citus_sidecar.members m
   where m.name <> member_name and not m.in_recovery and m.system_identifier = identifier and m.timeline = on_timeline
     and m.last_seen < clock_timestamp() - make_interval(secs => greatest(${lostFloor}, ${lostIntervals} * coalesce(m.heartbeat_seconds, ${usualHeartbeat})));
  return query select m.name from citus_sidecar.members m
   where m.name <> member_name and not m.in_recovery and m.system_identifier = identifier and m.timeline = on_timeline order by m.name;
end
$$;

-- Who answers at a member's address, asked the way Citus itself connects.
create or replace function citus_sidecar.identity_at(host text, port integer) returns jsonb
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
as $$
declare
  said citus_sidecar.operations := jsonb_populate_record(null::citus_sidecar.operations, operation);
begin
  -- A member has one registration call at a time: an older one without an end was cut off.
  if said.kind in (${registrationKinds}) and not exists (select from citus_sidecar.operations o where o.id = said.id) then
    perform citus_sidecar.close_interrupted(said.member, said.id);
  end if;
  insert into citus_sidecar.operations as o (id, member, kind, phase, outcome, reason, traceparent, ended_at)
  values (said.id, said.member, said.kind, said.phase, said.outcome, said.reason, left(said.traceparent, 55), case when said.outcome is null then null else clock_timestamp() end)
  on conflict (id) do update set phase = excluded.phase, outcome = excluded.outcome, reason = excluded.reason, ended_at = excluded.ended_at;
  delete from citus_sidecar.operations o where o.id in
    (select old.id from citus_sidecar.operations old order by old.started_at desc offset 1000);
end
$$;`
