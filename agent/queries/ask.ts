// How an own query is asked: read only, bounded, on the session that own queries have for themselves, or in another database.
import type { AskQuery } from '../../probes/own-query.ts'
import type { Config } from '../config.ts'
import { queriesTarget } from '../pg/conninfo.ts'
import { inDatabase } from '../pg/other-database.ts'
import type { Session } from '../pg/session.ts'
import type { Sessions } from '../sessions.ts'

const most = { mostRows: 10_000, mostBytes: 4 * 1024 ** 2 }
/** The server gives a statement up first, and the connection lasts; milliseconds. */
const margin = 1_000

/** Queries in PGDATABASE share the held session; each one elsewhere has a connection for as long as it runs. */
export function askOn(sessions: Pick<Sessions, 'queries'>, config: Config): AskQuery {
  return async ({ text, database = config.pgDatabase }, statementTimeout, signal) => {
    const ask = async (session: Session): Promise<readonly Record<string, unknown>[]> =>
      await session.readOnly({ text, statementTimeout, ...most }, { timeout: statementTimeout + margin, signal })
    if (database === config.pgDatabase) return await ask(sessions.queries)
    return await inDatabase(config, queriesTarget(config), database, ask)
  }
}
