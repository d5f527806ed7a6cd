// Prepares one node: role, schema, notebook, ledger and functions, as a superuser, again and again without harm.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Client } from 'pg'
import type { Config } from '../config.ts'
import { SidecarError, sqlstate } from '../errors.ts'
import { connect, destroyClient } from '../pg/connect.ts'
import { localTarget, readSecret } from '../pg/conninfo.ts'
import type { ConnectionTarget } from '../pg/conninfo.ts'
import { inSpan } from '../tracing/operation-trace.ts'
import { schemaSql, schemaVersion } from './schema.ts'

/** What bootstrap did, one sentence each. */
export type Steps = readonly string[]

/** One bootstrap waits for another on the same server for at most this long, milliseconds. */
const bootstrapTimeout = 60_000

function superuser(config: Config, database: string): ConnectionTarget {
  const target = localTarget(config, 'bootstrap')
  return {
    ...target,
    user: config.bootstrapUser,
    passwordFile: config.bootstrapPasswordFile,
    database,
    statementTimeout: bootstrapTimeout,
    lockTimeout: bootstrapTimeout,
  }
}

/** Prepares this node; with `create` also the database and the extension. @throws SidecarError CONNECT_FAILED or BOOTSTRAP_FAILED. */
export async function bootstrap(config: Config, create: boolean, signal: AbortSignal): Promise<Steps> {
  const steps: string[] = []
  const part = async (name: string, database: string, work: (client: Client) => Promise<void>): Promise<void> =>
    await inSpan(`bootstrap ${name}`, {}, async () => await withClient(config, database, signal, work))
  if (create) await part('database', 'postgres', async (client) => await createDatabase(client, config, steps))
  await part('schema', config.pgDatabase, async (client) => await prepare(client, config, create, steps))
  return steps
}

async function withClient(
  config: Config,
  database: string,
  signal: AbortSignal,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const client = await connect(config, superuser(config, database), signal)
  try {
    await work(client)
  } finally {
    await client.end().catch(() => undefined)
    destroyClient(client)
  }
}

async function createDatabase(client: Client, config: Config, steps: string[]): Promise<void> {
  const found = await client.query('select from pg_catalog.pg_database where datname = $1', [config.pgDatabase])
  if (found.rowCount !== 0) return
  await client.query('set citus.enable_ddl_propagation = off')
  // Citus would want to create it on every node; each node is prepared by its own bootstrap.
  await client.query('set citus.enable_create_database_propagation = off').catch(() => undefined)
  try {
    await client.query(`create database ${escapeIdentifier(config.pgDatabase)}`)
    steps.push(`database ${config.pgDatabase} created`)
  } catch (error) {
    // 42P04 and 23505: another bootstrap was a moment faster.
    if (sqlstate(error) !== '42P04' && sqlstate(error) !== '23505') throw error
  }
}

async function prepare(client: Client, config: Config, create: boolean, steps: string[]): Promise<void> {
  const [self] = (
    await client.query<{ super: boolean; recovery: boolean }>(
      'select (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as super, pg_catalog.pg_is_in_recovery() as recovery',
    )
  ).rows
  if (self?.super !== true)
    throw new SidecarError(
      'BOOTSTRAP_FAILED',
      `CITUS_SIDECAR_BOOTSTRAP_USER: ${config.bootstrapUser} is no superuser; allowed: a superuser, because only one can own the functions that register nodes`,
    )
  if (self.recovery) {
    steps.push('this server is a standby: everything comes from its primary, nothing to do')
    return
  }
  await client.query('begin')
  try {
    // DDL must stay on this node: others may be down, and a schema that came from the coordinator cannot be changed here.
    await client.query(
      `set local citus.enable_ddl_propagation = off; set local log_statement = 'none'; set local client_min_messages = warning; set local search_path = pg_catalog`,
    )
    await client.query('select pg_catalog.pg_advisory_xact_lock(1668510577, 3)')
    await extension(client, config, create, steps)
    await role(client, config, steps)
    await schema(client, config, steps)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

async function extension(client: Client, config: Config, create: boolean, steps: string[]): Promise<void> {
  if (config.role === 'standalone') return
  const found = await client.query("select from pg_catalog.pg_extension where extname = 'citus'")
  if (found.rowCount !== 0) return
  if (!create)
    throw new SidecarError(
      'BOOTSTRAP_FAILED',
      `database ${config.pgDatabase} has no extension citus; create it, check PGDATABASE, or use --create`,
    )
  await client.query('create extension citus cascade')
  steps.push(`extension citus created in ${config.pgDatabase}`)
}

async function role(client: Client, config: Config, steps: string[]): Promise<void> {
  const name = escapeIdentifier(config.pgUser)
  const known = await client.query<{ rolsuper: boolean }>(
    'select rolsuper from pg_catalog.pg_roles where rolname = $1',
    [config.pgUser],
  )
  if (known.rows[0]?.rolsuper === true)
    throw new SidecarError(
      'BOOTSTRAP_FAILED',
      `PGUSER: ${config.pgUser} is a superuser; allowed: a role of its own, for the sidecar never runs as superuser`,
    )
  if (known.rowCount === 0) {
    await client.query(`create role ${name} login`)
    steps.push(`role ${config.pgUser} created`)
  }
  if (config.passwordFile !== undefined)
    await client.query(`alter role ${name} password ${escapeLiteral(verifier(await readSecret(config.passwordFile)))}`)
  await client.query(`grant pg_monitor to ${name}`)
  await client.query(`grant connect on database ${escapeIdentifier(config.pgDatabase)} to ${name}`)
}

async function schema(client: Client, config: Config, steps: string[]): Promise<void> {
  const exists = await client.query<{ found: string | null }>(
    "select pg_catalog.to_regclass('citus_sidecar.schema_version')::text as found",
  )
  const before =
    exists.rows[0]?.found == null
      ? undefined
      : (await client.query<{ version: number }>('select version from citus_sidecar.schema_version')).rows[0]?.version
  if (before !== undefined && before > schemaVersion) {
    steps.push(`schema citus_sidecar has version ${before}, newer than this sidecar's ${schemaVersion}: left as it is`)
    return
  }
  await client.query(schemaSql(config.role, config.pgUser))
  steps.push(
    before === undefined
      ? `schema citus_sidecar created, version ${schemaVersion}`
      : `schema citus_sidecar brought from version ${before} to ${schemaVersion}`,
  )
}

/** A SCRAM-SHA-256 verifier, so that no password in clear text reaches the server or its log (https://www.rfc-editor.org/rfc/rfc5803). */
export function verifier(password: string, salt: Buffer = randomBytes(16)): string {
  const iterations = 4_096
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
