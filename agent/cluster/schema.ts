// The sidecar's own schema on a node, as SQL: notebook everywhere, ledger and its functions on the coordinator.
// Every statement can run again; DDL propagation is off, so that one node can be prepared while others are down.
import type { Role } from '../config.ts'
import { ledgerFunctionsSql } from './schema-functions.ts'
import { drainFunctionsSql, drainGrants } from './schema-drain.ts'
import { drainLedgerGrants, drainLedgerSql } from './schema-drain-ledger.ts'
import { holdFunctionsSql, holdTablesSql, nodeHoldGrants, nodeHoldSql } from './schema-holds.ts'
import { ledgerTablesSql } from './schema-ledger.ts'
import { metricsGrants, metricsSql } from './schema-metrics.ts'
import { removalFunctionsSql, removalGrants, removalTablesSql } from './schema-removal.ts'
import { removalStepsGrants, removalStepsSql } from './schema-removal-steps.ts'
import { removalSurveyGrants, removalSurveySql } from './schema-removal-survey.ts'

/** Raised when tables or functions change; sidecars of version n and n-1 work on one ledger. */
export const schemaVersion = 6

const baseSql = `
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
$$;`

const standaloneGrants = ['timeline_history(integer)', ...drainGrants]
const workerGrants = [...standaloneGrants, ...nodeHoldGrants, ...metricsGrants]
const coordinatorGrants = [
  ...workerGrants,
  'announce(jsonb)',
  'accept_member(text)',
  'leave_pooler(text)',
  'take_over_members(text, text, integer)',
  'identity_at(text, integer)',
  'register(text)',
  'activate(text)',
  'update_address(text)',
  'set_coordinator_host(text)',
  'register_secondary(text, text)',
  'record_operation(jsonb)',
  'request_hold(jsonb)',
  'release_hold(uuid, text)',
  'answer_hold(jsonb)',
  ...drainLedgerGrants,
  ...removalGrants,
  ...removalSurveyGrants,
  ...removalStepsGrants,
]

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function grantsSql(role: Role, user: string): string {
  const functions = role === 'coordinator' ? coordinatorGrants : role === 'worker' ? workerGrants : standaloneGrants
  const to = quote(user)
  return [
    `grant usage on schema citus_sidecar to ${to};`,
    `grant select on all tables in schema citus_sidecar to ${to};`,
    `grant update on citus_sidecar.notebook, citus_sidecar.last_stop to ${to};`,
    ...functions.flatMap((one) => [
      `revoke all on function citus_sidecar.${one} from public;`,
      `grant execute on function citus_sidecar.${one} to ${to};`,
    ]),
  ].join('\n')
}

/** The statements that prepare a node of this role, for a session of a superuser, in one transaction. */
export function schemaSql(role: Role, user: string): string {
  const removals = [removalTablesSql, removalFunctionsSql, removalSurveySql, removalStepsSql]
  const ledger = [ledgerTablesSql, ledgerFunctionsSql, holdTablesSql, holdFunctionsSql, drainLedgerSql, ...removals]
  return [
    baseSql,
    drainFunctionsSql,
    ...(role === 'standalone' ? [] : [nodeHoldSql, metricsSql]),
    ...(role === 'coordinator' ? ledger : []),
    grantsSql(role, user),
    `insert into citus_sidecar.schema_version (version) values (${schemaVersion})
       on conflict (only_row) do update set version = excluded.version;`,
  ].join('\n')
}

/** The statement by which the writable probe writes. */
export const beatSql = 'update citus_sidecar.notebook set beat = pg_catalog.clock_timestamp()'
