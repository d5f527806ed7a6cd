// Removals on record on the coordinator: one row a removal, what its sidecar says of it, and what a person asked.
import { addressIntervals, addressKept, usualHeartbeat } from './silence.ts'

const definer = 'security definer set search_path = pg_catalog, pg_temp'

/** The newest this many removals are kept. */
const mostRemovals = 1_000

export const removalTablesSql = `
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
create unique index if not exists removals_one_open on citus_sidecar.removals ((true)) where outcome is null;`

export const removalFunctionsSql = `
-- Opens the removal of a registered node, or returns the one that is open for it: asking twice changes nothing.
create or replace function citus_sidecar.request_removal(request jsonb) returns setof citus_sidecar.removals
language plpgsql ${definer}
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
      (select old.id from citus_sidecar.removals old where old.outcome is not null order by old.requested_at desc offset ${mostRemovals});
  end if;
  return query select * from citus_sidecar.removals r where r.id = coalesce(other.id, said.id);
end
$$;

-- Stops the removal of a node; one that ended without an end to it, and left the node without shards to come, is taken up again to undo that.
create or replace function citus_sidecar.cancel_removal(wanted_node integer) returns setof citus_sidecar.removals
language plpgsql ${definer}
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
language plpgsql ${definer}
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
language plpgsql ${definer}
as $$
begin
  return query
    delete from citus_sidecar.members m using citus_sidecar.removals r
     where r.outcome = 'succeeded'
       and (m.name = r.member and m.node_id = r.node_id or m.in_recovery and m.role = 'worker' and m.group_id = r.group_id)
       and not exists (select from pg_dist_node n where n.nodeid = m.node_id or n.groupid = r.group_id or (n.nodename = m.host and n.nodeport = m.port))
       and m.last_seen < clock_timestamp() - make_interval(secs => greatest(${addressKept}, ${addressIntervals} * coalesce(m.heartbeat_seconds, ${usualHeartbeat})))
    returning m.name;
end
$$;`

/** What the sidecar's role may call on the coordinator. */
export const removalGrants = [
  'request_removal(jsonb)',
  'cancel_removal(integer)',
  'note_removal(jsonb)',
  'forget_removed()',
]
