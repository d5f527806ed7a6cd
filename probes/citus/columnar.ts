// Columnar tables: how many stripes, rows and bytes, and how well they compress; shards count for their table.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'
import { tablesWith } from '../postgres/table-relations.ts'

const labels = ['schema', 'table']

/** Columnar tables. */
export const columnar = {
  name: 'citus.columnar',
  help: 'Stripes, rows and compression of columnar tables; shards count for their table.',
  interval: 300_000,
  where: { citus: true, extension: 'citus_columnar' },
  session: 'sizes',
  sql: () => `${tablesWith(true)}
  select n.nspname as schema, c.relname as table, sum(u.stripes)::float8 as stripes, sum(u.rows)::float8 as rows, sum(u.bytes)::float8 as bytes, sum(u.plain_bytes)::float8 as plain,
         (sum(u.plain_bytes) / nullif(sum(u.bytes), 0))::float8 as ratio
    from citus_sidecar.columnar_usage() u join tables t on t.oid = u.relation join pg_catalog.pg_class c on c.oid = t.target join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   group by 1, 2 order by sum(u.bytes) desc`,
  families: [
    gauge('citus_columnar_stripes', 'Stripes of the table on this node; many small ones are slow.', 'stripes', labels),
    gauge('citus_columnar_rows', 'Rows in these.', 'rows', labels),
    gauge('citus_columnar_bytes', 'Bytes of their values as they are stored.', 'bytes', labels),
    gauge('citus_columnar_uncompressed_bytes', 'Bytes of these values without compression.', 'plain', labels),
    gauge(
      'citus_columnar_compression_ratio',
      'How many times larger they would be without compression.',
      'ratio',
      labels,
      'max',
    ),
  ],
} as const satisfies Collection
