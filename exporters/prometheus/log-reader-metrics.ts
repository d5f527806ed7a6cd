// The metrics of what reads statements from the server's log: what it read and lost, the spans it made, and how it linked them across nodes.
import type { Metric } from './metric.ts'
import { byWord, one } from './metric.ts'

export const logReaderMetrics: readonly Metric[] = [
  {
    name: 'citus_sidecar_log_reader_lines_total',
    help: 'Lines of jsonlog that were read for statements.',
    type: 'counter',
    labels: [],
    samples: ({ statements }) => one(statements?.reader.lines),
  },
  {
    name: 'citus_sidecar_log_reader_malformed_lines_total',
    help: 'Those that could not be understood.',
    type: 'counter',
    labels: ['reason'],
    samples: ({ statements }) => byWord('reason', statements?.reader.malformed),
  },
  {
    name: 'citus_sidecar_log_reader_skipped_bytes_total',
    help: 'Bytes of jsonlog that were passed over unread, being too much.',
    type: 'counter',
    labels: [],
    samples: ({ statements }) => one(statements?.reader.skippedBytes),
  },
  {
    name: 'citus_sidecar_log_reader_statements_total',
    help: 'Statements that were put together from lines.',
    type: 'counter',
    labels: ['kind'],
    samples: ({ statements }) => byWord('kind', statements?.reader.statements),
  },
  {
    name: 'citus_sidecar_log_reader_restarts_total',
    help: 'Times that the reader of the log failed and was started again.',
    type: 'counter',
    labels: [],
    samples: ({ statements }) => one(statements?.reader.restarts),
  },
  {
    name: 'citus_sidecar_statement_spans_total',
    help: 'Spans that were made of statements.',
    type: 'counter',
    labels: [],
    samples: ({ statements }) => one(statements?.spans?.made),
  },
  {
    name: 'citus_sidecar_statement_spans_dropped_total',
    help: 'Spans that should have been made of statements and were not.',
    type: 'counter',
    labels: ['reason'],
    samples: ({ statements }) => byWord('reason', statements?.spans?.dropped),
  },
  {
    name: 'citus_sidecar_statement_links_total',
    help: 'Tasks whose statement on another node was found.',
    type: 'counter',
    labels: ['method'],
    samples: ({ statements }) => byWord('method', statements?.links?.resolved),
  },
  {
    name: 'citus_sidecar_statement_links_unresolved_total',
    help: 'Tasks whose statement was not found.',
    type: 'counter',
    labels: ['reason'],
    samples: ({ statements }) => byWord('reason', statements?.links?.unresolved),
  },
  {
    name: 'citus_peer_clock_offset_seconds',
    help: 'How much later it is on the clock of another node.',
    labels: ['peer'],
    samples: ({ statements }) => byWord('peer', statements?.links?.clockOffsets),
  },
]
