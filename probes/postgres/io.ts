// Who reads and writes through shared buffers and past them (https://www.postgresql.org/docs/16/monitoring-stats.html#MONITORING-PG-STAT-IO-VIEW).
import { counter } from '../collection.ts'
import type { Collection } from '../collection.ts'

const labels = ['backend_type', 'object', 'context']
/** Bytes are told since then, before that operations of a size each. */
const bytesSince = 180_000

const bytes = (version: number, operation: string): string =>
  version < bytesSince ? `i.${operation}s * i.op_bytes` : `i.${operation}_bytes`

/** I/O by kind of process. */
export const io = {
  name: 'postgres.io',
  help: 'What processes of each kind read and wrote, of which objects and how.',
  interval: 30_000,
  where: { since: 16 },
  sql: ({ version = 0 }) => `
  select i.backend_type, i.object, i.context, i.reads::float8 as reads, (${bytes(version, 'read')})::float8 as read_bytes, (i.read_time / 1000)::float8 as read_seconds,
         i.writes::float8 as writes, (${bytes(version, 'write')})::float8 as write_bytes, (i.write_time / 1000)::float8 as write_seconds,
         i.extends::float8 as extends, (${bytes(version, 'extend')})::float8 as extend_bytes, i.hits::float8 as hits, i.evictions::float8 as evictions, i.reuses::float8 as reuses, i.fsyncs::float8 as fsyncs
    from pg_catalog.pg_stat_io i
   where coalesce(i.reads, 0) + coalesce(i.writes, 0) + coalesce(i.extends, 0) + coalesce(i.hits, 0) + coalesce(i.fsyncs, 0) > 0
   order by coalesce(i.reads, 0) + coalesce(i.writes, 0) desc`,
  families: [
    counter('citus_sidecar_io_reads_total', 'Reads.', 'reads', labels),
    counter('citus_sidecar_io_read_bytes_total', 'Bytes read.', 'read_bytes', labels),
    counter(
      'citus_sidecar_io_read_seconds_total',
      'Time spent in these; 0 without track_io_timing.',
      'read_seconds',
      labels,
    ),
    counter('citus_sidecar_io_writes_total', 'Writes.', 'writes', labels),
    counter('citus_sidecar_io_write_bytes_total', 'Bytes written.', 'write_bytes', labels),
    counter(
      'citus_sidecar_io_write_seconds_total',
      'Time spent in these; 0 without track_io_timing.',
      'write_seconds',
      labels,
    ),
    counter('citus_sidecar_io_extends_total', 'Times a relation was made longer.', 'extends', labels),
    counter('citus_sidecar_io_extend_bytes_total', 'Bytes that these added.', 'extend_bytes', labels),
    counter('citus_sidecar_io_hits_total', 'Blocks found in shared buffers.', 'hits', labels),
    counter('citus_sidecar_io_evictions_total', 'Blocks put out of shared buffers to make room.', 'evictions', labels),
    counter('citus_sidecar_io_reuses_total', 'Buffers of a ring that were used again.', 'reuses', labels),
    counter('citus_sidecar_io_fsyncs_total', 'Calls of fsync.', 'fsyncs', labels),
  ],
} as const satisfies Collection
