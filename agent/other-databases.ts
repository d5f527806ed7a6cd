// Databases of this server besides PGDATABASE, for the collections that are of every database.
import type { Row } from '../probes/collection.ts'
import type { RowsElsewhere } from '../probes/probe.ts'
import type { Sql } from '../probes/sql.ts'
import type { Config } from './config.ts'
import { localTarget } from './pg/conninfo.ts'
import { inDatabase } from './pg/other-database.ts'
import type { Bounds } from './pg/session.ts'

/** Databases that are asked besides our own, at most: each is a connection for a moment. */
const most = 20

/** Asks the other databases that are configured, one after the other, each over a connection of its own. */
export async function askElsewhere(
  config: Config,
  sql: Sql,
  text: string,
  bounds: Bounds,
): Promise<readonly RowsElsewhere[]> {
  const found: RowsElsewhere[] = []
  const target = localTarget(config, 'databases')
  for (const database of await chosen(config, sql)) {
    // One that cannot be asked costs only its own rows.
    const rows = await inDatabase(
      config,
      target,
      database,
      async (session) => await session.sql(bounds).query<Row>(text),
    ).catch(() => undefined)
    if (rows === undefined) bounds.signal.throwIfAborted()
    found.push({ database, rows })
  }
  return found
}

async function chosen({ databases, pgDatabase }: Config, sql: Sql): Promise<readonly string[]> {
  if (databases === undefined) return []
  if (!databases.includes('*')) return databases.filter((name) => name !== pgDatabase).slice(0, most)
  const rows = await sql.query<{ datname: string }>(
    `select d.datname from pg_catalog.pg_database d
      where d.datallowconn and not d.datistemplate and d.datname <> pg_catalog.current_database() order by d.oid limit ${most}`,
  )
  return rows.map(({ datname }) => datname)
}
