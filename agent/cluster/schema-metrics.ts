// What only an owner or a superuser may read, as numbers and nothing else: functions of every node of Citus for its metrics.

export const metricsSql = `
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
`

/** The functions that the sidecar's role may call. */
export const metricsGrants: readonly string[] = ['remote_connections()', 'columnar_usage()']
