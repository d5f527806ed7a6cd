// The ledger's tables, on the coordinator only. The sidecar's role reads them; it writes through functions alone.

export const ledgerTablesSql = `
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
-- Where its sidecar answers other sidecars, on the same host; null for one that does not say.
alter table citus_sidecar.members add column if not exists http_port integer;
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
create index if not exists operations_started_at on citus_sidecar.operations (started_at);`
