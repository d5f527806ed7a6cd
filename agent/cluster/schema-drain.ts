// What a drain may do on its own server, as functions: each does one thing, for a role that is no superuser.

const definer = 'security definer set search_path = pg_catalog, pg_temp'

export const drainFunctionsSql = `
-- A table of its own: the notebook's row is locked while a write of the writable probe waits for a synchronous standby.
create table if not exists citus_sidecar.last_stop (
  only_row boolean primary key default true check (only_row),
  state jsonb
);
insert into citus_sidecar.last_stop default values on conflict do nothing;

-- Before PostgreSQL 15 only a superuser may.
create or replace function citus_sidecar.checkpoint() returns void
language plpgsql ${definer}
as $$
begin
  checkpoint;
end
$$;

-- The segment that holds everything written so far, closed so that it is archived.
create or replace function citus_sidecar.switch_wal() returns text
language sql ${definer}
as $$ select pg_walfile_name(pg_switch_wal()) $$;

-- Ends one client's session or, with only_cancel, its statement; a superuser's too, but never a sidecar's, and nothing but clients:
-- replication, archiver and maintenance have other backend types. The state is looked at again, as it is now and not as this
-- transaction first saw it: who began to work meanwhile is spared.
create or replace function citus_sidecar.end_client(client_pid integer, only_cancel boolean, only_idle boolean) returns boolean
language sql ${definer}
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
language plpgsql ${definer}
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
         and a.application_name not like 'citus\\_%gpid=%'
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
language plpgsql ${definer}
as $$
declare
  found integer;
begin
  execute 'select recover_prepared_transactions()' into found;
  return found;
end
$$;`

/** Functions the sidecar's role may call on every node. */
export const drainGrants = [
  'checkpoint()',
  'switch_wal()',
  'end_client(integer, boolean, boolean)',
  'end_idle(integer)',
  'recover_prepared()',
]
