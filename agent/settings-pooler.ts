// Settings of a sidecar beside a PgBouncer (role pooler), and of one that reads a PgBouncer elsewhere.
import { duration, file, hostPort, names, port, text } from './setting-types.ts'
import { optional, required } from './setting.ts'

/** Rows of the settings table, keyed by their names in Config. */
export const poolerSettings = {
  pgbouncerHost: required(
    'CITUS_SIDECAR_PGBOUNCER_HOST',
    text(/^[^\s,]+$/, 'a socket directory or one host'),
    '/var/run/postgresql',
    'Socket directory (or host) of the PgBouncer beside this sidecar; role pooler only.',
  ),
  pgbouncerPort: required(
    'CITUS_SIDECAR_PGBOUNCER_PORT',
    port(),
    '6432',
    'Port of the PgBouncer beside this sidecar (role pooler); default port of CITUS_SIDECAR_PGBOUNCER_ADDRESS.',
  ),
  pgbouncerUser: required(
    'CITUS_SIDECAR_PGBOUNCER_USER',
    text(/^[^\0]{1,63}$/, 'a role name of at most 63 bytes'),
    'citus_sidecar',
    'User of the admin console, one of admin_users of PgBouncer; one of stats_users is enough for CITUS_SIDECAR_PGBOUNCER_ADDRESS.',
  ),
  pgbouncerPasswordFile: optional(
    'CITUS_SIDECAR_PGBOUNCER_PASSWORD_FILE',
    file(),
    'File with the password of CITUS_SIDECAR_PGBOUNCER_USER, read again at every connect; where unset it is that of PGUSER where both have one name, else PGPASSFILE is used.',
  ),
  pgbouncerAddress: optional(
    'CITUS_SIDECAR_PGBOUNCER_ADDRESS',
    hostPort(),
    'host[:port] of a PgBouncer whose console a sidecar beside PostgreSQL reads for metrics; off where unset, not for role pooler.',
  ),
  poolerDatabases: optional(
    'CITUS_SIDECAR_POOLER_DATABASES',
    names(),
    'Databases of PgBouncer that a hold pauses; where unset, those whose host and port are the coordinator or a member of the cluster.',
  ),
  pauseTry: required(
    'CITUS_SIDECAR_PAUSE_TRY',
    duration(100, 10_000),
    '1500ms',
    'How long one try to pause may stall clients behind a transaction that does not end.',
  ),
  pauseBreak: required(
    'CITUS_SIDECAR_PAUSE_BREAK',
    duration(0, 60_000),
    '500ms',
    'How long clients go on after a try to pause that did not succeed.',
  ),
} as const
