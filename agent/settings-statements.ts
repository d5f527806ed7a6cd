// Settings of what is made of statements in PostgreSQL's log.
import { bool, duration, integer, text } from './setting-types.ts'
import { optional, required } from './setting.ts'

const perMinute = integer(0, 1_000_000)

/** Rows of the settings table, keyed by their names in Config. */
export const statementSettings = {
  statements: required(
    'CITUS_SIDECAR_STATEMENTS',
    bool(),
    'true',
    'Whether statements are read from the jsonlog in CITUS_SIDECAR_LOG_DIR: for `citus-sidecar top`, metrics and, where traces are on, spans.',
  ),
  spansPerMinute: required(
    'CITUS_SIDECAR_SPANS_PER_MINUTE',
    perMinute,
    '6000',
    'Most spans a minute of statements whose callers asked for them, and of what Citus does for those; 0 for none.',
  ),
  slowStatement: required(
    'CITUS_SIDECAR_SLOW_STATEMENT',
    duration(0, 86_400_000),
    '1s',
    'A statement of at least this duration has a span though nobody asked for it; 0s for none.',
  ),
  ownSpansPerMinute: required(
    'CITUS_SIDECAR_OWN_SPANS_PER_MINUTE',
    perMinute,
    '60',
    'Most spans a minute of statements that were slow or failed and whose callers did not ask for one.',
  ),
  traceParameter: required(
    'CITUS_SIDECAR_TRACE_PARAMETER',
    text(/^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$/, 'the name of a parameter with a prefix, such as app.traceparent'),
    'app.traceparent',
    'Parameter that applications set to their trace context in a transaction.',
  ),
  linkPatience: required(
    'CITUS_SIDECAR_LINK_PATIENCE',
    duration(1_000, 600_000),
    '30s',
    "How long a task on a worker waits for its statement's span on the node that began it.",
  ),
  serverService: optional(
    'CITUS_SIDECAR_SERVER_SERVICE',
    text(/^[^\s,=]{1,253}$/, 'a name of at most 253 characters without spaces'),
    "service.name of this PostgreSQL's spans; citus-coordinator, citus-worker or postgresql by role where unset.",
  ),
} as const
