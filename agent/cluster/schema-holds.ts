// Holds: their ledger on the coordinator (one row a hold, one answer a holder), and on every node the lock that a node hold takes.

const definer = 'security definer set search_path = pg_catalog, pg_temp'

export const holdTablesSql = `
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
);`

/** The longest hold that the ledger grants, seconds; the setting CITUS_SIDECAR_HOLD_MAX stays below. */
const longest = 600

export const holdFunctionsSql = `
-- Opens a hold, or returns the one that is open under this id: asking twice, or again after a restart, changes nothing and extends nothing.
create or replace function citus_sidecar.request_hold(request jsonb) returns setof citus_sidecar.holds
language plpgsql ${definer}
as $$
declare
  said citus_sidecar.holds := jsonb_populate_record(null::citus_sidecar.holds, request);
  lasts interval := make_interval(secs => (request->>'seconds')::double precision);
  other citus_sidecar.holds;
begin
  -- Each part is a truth of its own: with a null in one of them the whole would be neither true nor false.
  if said.id is null or said.member is null or coalesce(cardinality(said.kinds), 0) = 0 or not said.kinds <@ array['pool', 'node']
     or lasts is null or lasts <= interval '0' or lasts > interval '${longest} seconds' then
    raise exception 'a hold needs id, kinds out of pool and node, and seconds up to ${longest}' using errcode = '22023';
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
language plpgsql ${definer}
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
language plpgsql ${definer}
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
$$;`

export const nodeHoldSql = `
-- Keeps writes away from the shards of a worker's group for as long as the caller's transaction lasts, on this server. The caller's
-- own limit is what ends it when nobody does, so without one nothing is locked. Which lock that is, Citus knows.
-- A transaction that has written to one of the shards and is about to write to another waits for us while we wait for it, and Citus'
-- search for deadlocks, every two seconds, would cancel it: so we look for that at once and give way, and wait briefly first. Who
-- comes to wait for us later is seen by the caller, who cancels this wait.
create or replace function citus_sidecar.hold_node(node_group integer, longest_ms integer, force boolean) returns void
language plpgsql ${definer} set deadlock_timeout = '5ms'
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
$$;`

/** What the sidecar's role may call on every node of a cluster. */
export const nodeHoldGrants = ['hold_node(integer, integer, boolean)']
