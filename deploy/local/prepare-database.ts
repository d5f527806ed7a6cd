// Database and extension without the product's bootstrap, for tests of what lies below it; and the version of Citus.

import type { PostgresServer } from './postgres-server.ts'

/** Creates the server's own database, where it is not `postgres`, and the extension citus in it. */
export async function installCitus(server: PostgresServer): Promise<void> {
  const { database } = server.spec
  if (database !== 'postgres') await createDatabase(server, database)
  await server.query('create extension if not exists citus')
}

/** Creates an empty database; real Citus announces it to no other node. */
export async function createDatabase(server: PostgresServer, name: string): Promise<void> {
  await server.query(`create database "${name.replaceAll('"', '""')}"`, [], { database: 'postgres' })
}

/** Version of Citus, `13.2.2` for example, from the library where the extension exists, else from its control file. */
export async function readCitusVersion(server: PostgresServer): Promise<string> {
  const installed = await server.query("select 1 from pg_catalog.pg_extension where extname = 'citus'")
  const sql =
    installed.length > 0
      ? 'select citus_version() as version'
      : "select default_version as version from pg_catalog.pg_available_extensions where name = 'citus'"
  const [row] = await server.query<{ version: string }>(sql)
  return /\d+(\.\d+)+/.exec(row?.version ?? '')?.[0] ?? 'unknown'
}
