// The steps of a removal, as functions: each does one thing, for the node of an open removal and no other, and can be called again.
import { patientDefiner as patient } from './schema-removal-survey.ts'

const definer = 'security definer set search_path = pg_catalog, pg_temp'

/** States of a background job that is over. */
export const overStates = ['finished', 'failed', 'cancelled'] as const
const over = overStates.map((state) => `'${state}'`).join(', ')

export const removalStepsSql = `
create or replace function citus_sidecar.open_removal(removal_id uuid, to_undo boolean) returns citus_sidecar.removals
language plpgsql ${definer}
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
language plpgsql ${patient}
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
language plpgsql ${definer}
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
language plpgsql ${patient}
as $$
declare
  known citus_sidecar.removals := citus_sidecar.open_removal(removal_id, false);
  job bigint;
begin
  select j.job_id into job from pg_dist_background_job j where j.job_type = 'rebalance' and j.state::text not in (${over});
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
language plpgsql ${definer}
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
language sql ${patient}
as $$
  select sum(z.bytes)::bigint from citus_sidecar.removals r, citus_sidecar.sizes_of_group(r.group_id) z where r.id = removal_id
$$;

-- Prepared transactions that the node began and that wait on any node for it to say how they end; with recover it is told to say so first.
create or replace function citus_sidecar.removal_unsettled(removal_id uuid, recover boolean) returns jsonb
language plpgsql ${patient}
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
language plpgsql ${patient}
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
$$;`

/** What the sidecar's role may call on the coordinator. */
export const removalStepsGrants = [
  'removal_shards_off(uuid)',
  'removal_shards_on(uuid)',
  'removal_start(uuid)',
  'removal_stop(uuid)',
  'removal_bytes(uuid)',
  'removal_unsettled(uuid, boolean)',
  'removal_drop(uuid)',
]
