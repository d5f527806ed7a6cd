// Config -> what pg needs to open one connection: address, limits, password and certificates read afresh at every connect.
import { readFile } from 'node:fs/promises'
import type { ClientConfig } from 'pg'
import type { Address, Config } from '../config.ts'
import { SidecarError } from '../errors.ts'

/** Who is asking, where, and how long the server may work on it. */
export interface ConnectionTarget {
  readonly address: Address
  /** Shown in pg_stat_activity after `citus-sidecar/`. */
  readonly use: string
  readonly user: string
  readonly passwordFile: string | undefined
  readonly database: string
  /** Server-side limit of a statement, milliseconds. */
  readonly statementTimeout: number
  /** Server-side limit of a lock wait, milliseconds. */
  readonly lockTimeout: number
  /** The admin console of a PgBouncer: no PostgreSQL, so nothing is set in it and nothing cancelled. */
  readonly console?: boolean
  /** For queries that are not ours: with the search path that their role and database have. */
  readonly usualNames?: boolean
}

/** The PostgreSQL beside this sidecar, as the sidecar's own role. */
export function localTarget(config: Config, use: string): ConnectionTarget {
  return coordinatorTarget(config, { host: config.pgHost, port: config.pgPort }, use)
}

/** The same for queries of the user. */
export function queriesTarget(config: Config): ConnectionTarget {
  return { ...localTarget(config, 'queries'), usualNames: true }
}

/** A coordinator, as the sidecar's own role. */
export function coordinatorTarget(config: Config, address: Address, use: string): ConnectionTarget {
  return {
    address,
    use,
    user: config.pgUser,
    passwordFile: config.passwordFile,
    database: config.pgDatabase,
    statementTimeout: config.statementTimeout,
    lockTimeout: config.lockTimeout,
  }
}

/** The admin console of the PgBouncer beside this sidecar, or of the one that is known by address. */
export function consoleTarget(config: Config, use: string): ConnectionTarget {
  const address = config.pgbouncerAddress ?? { host: config.pgbouncerHost, port: config.pgbouncerPort }
  const passwordOfUser = config.pgbouncerUser === config.pgUser ? config.passwordFile : undefined
  return {
    ...coordinatorTarget(config, address, use),
    user: config.pgbouncerUser,
    passwordFile: config.pgbouncerPasswordFile ?? passwordOfUser,
    database: 'pgbouncer',
    console: true,
  }
}

/** Reads a secret. @throws SidecarError SECRET_UNREADABLE when it cannot be read or is empty. */
export async function readSecret(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    // Without the cause: its ENOENT would be taken for a server that is not there.
    throw new SidecarError(
      'SECRET_UNREADABLE',
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  // A file written by an editor or `echo` ends in a newline that is not part of the secret.
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw new SidecarError('SECRET_UNREADABLE', `${path} is empty`)
  return secret
}

/** Client settings for one connection; secrets are read now. @throws SidecarError SECRET_UNREADABLE. */
export async function clientConfig(config: Config, target: ConnectionTarget): Promise<ClientConfig> {
  const { host, port } = target.address
  const limits = {
    statement_timeout: target.statementTimeout,
    lock_timeout: target.lockTimeout,
    // The server notices within half a minute that a network has swallowed us, and frees what our session has locked.
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 4,
    tcp_user_timeout: 30_000,
    jit: 'off',
    // Whatever a database has in other schemas, names mean what PostgreSQL and Citus mean by them.
    ...(target.usualNames === true ? {} : { search_path: 'pg_catalog' }),
    'citus.override_table_visibility': 'off',
  }
  const options = Object.entries(limits)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
  const password = target.passwordFile === undefined ? undefined : await readSecret(target.passwordFile)
  return {
    host,
    port,
    user: target.user,
    database: target.database,
    application_name: `citus-sidecar/${target.use}`,
    connectionTimeoutMillis: config.connectTimeout,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // PgBouncer refuses a login with options that it does not know.
    ...(target.console === true ? {} : { options }),
    ssl: host.startsWith('/') ? false : await tls(config),
    ...(password === undefined ? {} : { password }),
  }
}

type Tls = Exclude<ClientConfig['ssl'], undefined>

/** TLS as libpq's sslmode means it (https://www.postgresql.org/docs/current/libpq-ssl.html). */
async function tls(config: Config): Promise<Tls> {
  const mode = config.pgSslMode
  if (mode === 'disable') return false
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : await readSecret(path)
  const [ca, cert, key] = await Promise.all([read(config.pgSslRootCert), read(config.pgSslCert), read(config.pgSslKey)])
  const files = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
  if (mode === 'verify-full') return { ...files, rejectUnauthorized: true }
  if (mode === 'verify-ca') return { ...files, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  return { ...files, rejectUnauthorized: false }
}
