// The settings table: every environment variable the sidecar reads, with its type, default, limits and one sentence.
// It is the source of validation, `citus-sidecar config`, --help and docs/settings.md.
import {
  bool,
  duration,
  file,
  hostPort,
  hostPorts,
  integer,
  names,
  ipAddress,
  oneOf,
  paths,
  port,
  size,
  text,
} from './setting-types.ts'
import { optional, required } from './setting.ts'
import type { Setting } from './setting.ts'
import { fileSettings } from './settings-files.ts'
import { leaveSettings } from './settings-leave.ts'
import { poolerSettings } from './settings-pooler.ts'
import { statementSettings } from './settings-statements.ts'
import { traceSettings } from './settings-traces.ts'

/** Every setting, keyed by its name in Config. */
export const settings = {
  role: optional(
    'CITUS_SIDECAR_ROLE',
    oneOf('coordinator', 'worker', 'standalone', 'pooler'),
    'What the PostgreSQL beside this sidecar is, or pooler beside a PgBouncer; required.',
  ),
  node: optional(
    'CITUS_SIDECAR_NODE',
    text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of letters, digits, dot, dash, at most 63'),
    'Name of this node; the host name (in a pod: the pod name) where unset.',
  ),
  address: optional(
    'CITUS_SIDECAR_ADDRESS',
    hostPort(),
    'host[:port] under which the other nodes reach this PostgreSQL: a DNS name that stays when the pod moves; required but for role standalone.',
  ),
  allowIpAddress: required(
    'CITUS_SIDECAR_ALLOW_IP_ADDRESS',
    bool(),
    'false',
    'Accept an IP in CITUS_SIDECAR_ADDRESS; an IP changes with the pod, so this is refused otherwise.',
  ),
  coordinator: optional(
    'CITUS_SIDECAR_COORDINATOR',
    hostPorts(),
    'host[:port], or several separated by commas, of the coordinator or its Service; the one not in recovery is used; required for roles worker and pooler, own address for role coordinator.',
  ),
  group: optional(
    'CITUS_SIDECAR_GROUP',
    integer(0, 2_147_483_647),
    'Citus group id of this node; where unset: 0 on the coordinator, ordinal + 1 where the node name ends in -ordinal, else what the node already has or a new one.',
  ),
  clusterName: required(
    'CITUS_SIDECAR_CLUSTER_NAME',
    text(/^[A-Za-z0-9_-]{1,63}$/, 'letters, digits, dash and underscore, at most 63'),
    'default',
    'citus.cluster_name under which standbys register.',
  ),
  register: required(
    'CITUS_SIDECAR_REGISTER',
    bool(),
    'true',
    'Register this node with the coordinator; off where something else does (Patroni with its Citus support).',
  ),
  registerStandby: required(
    'CITUS_SIDECAR_REGISTER_STANDBY',
    bool(),
    'false',
    'Register this node as a secondary while it is a standby.',
  ),
  followPromotion: required(
    'CITUS_SIDECAR_FOLLOW_PROMOTION',
    bool(),
    'false',
    'After a promotion point the group at this node, once the fencing authority has spoken; leave it off under Patroni.',
  ),
  fencingFile: optional(
    'CITUS_SIDECAR_FENCING_FILE',
    text(/^\/.+$/, 'an absolute path'),
    'File in which the fencing authority names the promoted node: one line `<address host:port> <timeline>`; required by CITUS_SIDECAR_FOLLOW_PROMOTION.',
  ),
  registrationInterval: required(
    'CITUS_SIDECAR_REGISTRATION_INTERVAL',
    duration(1_000, 600_000),
    '10s',
    'How often the coordinator is asked about this node; hints make it sooner.',
  ),
  registrationTimeout: required(
    'CITUS_SIDECAR_REGISTRATION_TIMEOUT',
    duration(1_000, 7_200_000),
    '10m',
    'Longest wait for one registration call (metadata of big clusters takes minutes).',
  ),
  registrationLockTimeout: required(
    'CITUS_SIDECAR_REGISTRATION_LOCK_TIMEOUT',
    duration(100, 60_000),
    '5s',
    'Longest wait for a lock in a registration call.',
  ),
  registrationMaxAge: optional(
    'CITUS_SIDECAR_REGISTRATION_MAX_AGE',
    duration(1_000, 31_536_000_000),
    'How long a verified worker stays ready while the coordinator cannot be asked; unlimited where unset.',
  ),
  heartbeatInterval: required(
    'CITUS_SIDECAR_HEARTBEAT_INTERVAL',
    duration(1_000, 600_000),
    '30s',
    'How often this node writes itself into the ledger.',
  ),
  frozenAfter: required(
    'CITUS_SIDECAR_FROZEN_AFTER',
    duration(2_000, 600_000),
    '5s',
    'A PostgreSQL that has not answered for this long is not ready.',
  ),
  connectTimeout: required(
    'CITUS_SIDECAR_CONNECT_TIMEOUT',
    duration(100, 60_000),
    '3s',
    'Longest wait for a connection to be accepted.',
  ),
  maxSeries: required(
    'CITUS_SIDECAR_MAX_SERIES',
    integer(10, 100_000),
    '250',
    'Series that one metric family tells each by itself, the most important ones; the rest is summed up under the label other.',
  ),
  pgMetrics: required(
    'CITUS_SIDECAR_PG_METRICS',
    bool(),
    'true',
    'Whether metrics under the names of postgres_exporter are told; off where one runs beside the sidecar.',
  ),
  databases: optional(
    'CITUS_SIDECAR_DATABASES',
    names(),
    'Other databases of this server whose tables metrics tell of, or * for all; 20 at most.',
  ),
  statementText: required(
    'CITUS_SIDECAR_STATEMENT_TEXT',
    bool(),
    'false',
    'Whether metrics tell the text of the statements that take the most time, without literals, at most 200 characters each.',
  ),
  tenants: required(
    'CITUS_SIDECAR_TENANTS',
    bool(),
    'false',
    'Whether metrics tell tenants of citus_stat_tenants by name, which is personal data.',
  ),
  queries: optional(
    'CITUS_SIDECAR_QUERIES',
    paths(20),
    'YAML files with own queries whose results are metrics, or directories of such files; read again when they change.',
  ),
  statementTimeout: required(
    'CITUS_SIDECAR_STATEMENT_TIMEOUT',
    duration(100, 600_000),
    '5s',
    'Longest run of one query of a probe or of the ledger.',
  ),
  lockTimeout: required(
    'CITUS_SIDECAR_LOCK_TIMEOUT',
    duration(10, 60_000),
    '1s',
    'Longest wait for a lock in a query of a probe or of the ledger.',
  ),
  peerInterval: required(
    'CITUS_SIDECAR_PEER_INTERVAL',
    duration(1_000, 3_600_000),
    '1m',
    'How often the other nodes are tried from this one.',
  ),
  standbyMaxLag: required(
    'CITUS_SIDECAR_STANDBY_MAX_LAG',
    size(0, Number.MAX_SAFE_INTEGER),
    '64MB',
    'A standby with more WAL to replay is not ready; ready again below half of it.',
  ),
  standbyGrace: required(
    'CITUS_SIDECAR_STANDBY_GRACE',
    duration(0, 3_600_000),
    '60s',
    'How long a standby that was ready stays so while it does not stream (its primary restarts).',
  ),
  maxLatency: optional(
    'CITUS_SIDECAR_MAX_LATENCY',
    duration(1, 60_000),
    'Not ready while the median latency of a trivial query over the last 15 is above this; ready again below half of it; off where unset.',
  ),
  httpAddress: required(
    'CITUS_SIDECAR_HTTP_ADDRESS',
    ipAddress(),
    '0.0.0.0',
    'Address the HTTP port listens on; `::` for IPv6.',
  ),
  httpPort: required('CITUS_SIDECAR_HTTP_PORT', port(), '9187', 'Port of probes, metrics and status.'),
  runDir: required(
    'CITUS_SIDECAR_RUN_DIR',
    text(/^\/.{0,80}$/, 'an absolute path of at most 81 characters (a unix socket lies in it)'),
    '/run/citus-sidecar',
    'Directory shared with the postgres container: control.sock and state files.',
  ),
  logLevel: required(
    'CITUS_SIDECAR_LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
    'info',
    'Least severe log line written.',
  ),
  passwordFile: optional(
    'CITUS_SIDECAR_PASSWORD_FILE',
    file(),
    'File with the password of PGUSER, read again at every connect; PGPASSFILE is used where unset.',
  ),
  bootstrapUser: required(
    'CITUS_SIDECAR_BOOTSTRAP_USER',
    text(/^[^\0]{1,63}$/, 'a role name of at most 63 bytes'),
    'postgres',
    'Superuser as which `citus-sidecar bootstrap` logs in; `run` never uses it.',
  ),
  bootstrapPasswordFile: optional(
    'CITUS_SIDECAR_BOOTSTRAP_PASSWORD_FILE',
    file(),
    'File with the password of CITUS_SIDECAR_BOOTSTRAP_USER.',
  ),
  pgHost: required(
    'PGHOST',
    text(/^[^\s,]+$/, 'a socket directory or one host'),
    '/var/run/postgresql',
    'Socket directory (or host) of the PostgreSQL beside this sidecar.',
  ),
  pgPort: required(
    'PGPORT',
    port(),
    '5432',
    'Port of the PostgreSQL beside this sidecar; default port of the addresses above.',
  ),
  pgUser: required(
    'PGUSER',
    text(/^[^\0]{1,63}$/, 'a role name of at most 63 bytes'),
    'citus_sidecar',
    'Role as which the sidecar logs in, on this node and on the coordinator.',
  ),
  pgDatabase: required(
    'PGDATABASE',
    text(/^[^\0]{1,63}$/, 'a database name of at most 63 bytes'),
    'postgres',
    'The Citus database; one sidecar serves one.',
  ),
  pgPassfile: optional('PGPASSFILE', file(), 'Password file as in libpq; used where no password file is set.'),
  pgSslMode: required(
    'PGSSLMODE',
    oneOf('disable', 'prefer', 'require', 'verify-ca', 'verify-full'),
    'prefer',
    'TLS of TCP connections, as in libpq.',
  ),
  pgSslRootCert: optional(
    'PGSSLROOTCERT',
    file(),
    'Certificate authorities, read again at every connect; required by verify-ca and verify-full.',
  ),
  pgSslCert: optional('PGSSLCERT', file(), 'Client certificate, read again at every connect.'),
  pgSslKey: optional('PGSSLKEY', file(), 'Key of the client certificate, read again at every connect.'),
  ...leaveSettings,
  ...fileSettings,
  ...poolerSettings,
  ...traceSettings,
  ...statementSettings,
} as const

type ValueOf<S> = S extends Setting<infer T> ? T : never
/** The typed value of every setting. */
export type SettingValues = { readonly [K in keyof typeof settings]: ValueOf<(typeof settings)[K]> }
export type SettingName = keyof typeof settings
