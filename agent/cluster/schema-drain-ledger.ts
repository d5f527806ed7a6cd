// Drains on record on the coordinator: one row a phase, and what the cluster was when each member last stopped.

const definer = 'security definer set search_path = pg_catalog, pg_temp'

/** The newest this many phases are kept: those of some six hundred drains. */
const mostPhases = 5_000
/** States are kept of so many members, those that stopped last. */
const mostStates = 1_000
/** Longer than that of a thousand nodes, bytes. */
const longestState = 1_000_000

export const drainLedgerSql = `
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
language plpgsql ${definer}
as $$
declare
  said record;
begin
  select * into said from jsonb_to_record(drain) as d(operation uuid, member text, phases jsonb, state jsonb);
  if said.operation is null or coalesce(length(said.member), 0) not between 1 and 63 or coalesce(jsonb_typeof(said.phases), '') <> 'array'
     or jsonb_array_length(said.phases) > 20 or length(said.state::text) > ${longestState} then
    raise exception 'a drain needs operation, member, at most 20 phases and a state of at most ${longestState} bytes' using errcode = '22023';
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
    (select old.operation, old.phase from citus_sidecar.drain_phases old order by old.began desc offset ${mostPhases});
  if said.state is not null then
    insert into citus_sidecar.stop_states as known (member, operation, state) values (said.member, said.operation, said.state)
      on conflict (member) do update set operation = excluded.operation, state = excluded.state, kept_at = clock_timestamp(), returned_at = null
      where known.operation <> excluded.operation;
    delete from citus_sidecar.stop_states s where s.member in
      (select old.member from citus_sidecar.stop_states old order by old.kept_at desc offset ${mostStates});
  end if;
end
$$;

-- The member is back: what its state was is no longer compared with, and a drain of which its sidecar has lost sight is over.
create or replace function citus_sidecar.end_drains(member_name text) returns void
language plpgsql ${definer}
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
$$;`

/** What the sidecar's role may call on the coordinator. */
export const drainLedgerGrants = ['record_drain(jsonb)', 'end_drains(text)']
