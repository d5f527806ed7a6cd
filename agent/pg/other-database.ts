// Work in another database of the server, over a connection of its own for as long as that takes.
import type { Config } from '../config.ts'
import type { ConnectionTarget } from './conninfo.ts'
import { Session } from './session.ts'

/** Does it there, with what else the target says. @throws what the work throws. */
export async function inDatabase<T>(
  config: Config,
  target: ConnectionTarget,
  database: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  await using session = new Session(config, { target: async () => await Promise.resolve({ ...target, database }) })
  return await work(session)
}
