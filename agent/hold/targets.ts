// Which databases of a PgBouncer a hold pauses: those a person named, else those that lead to this cluster.
import type { PooledDatabase } from '../../probes/pgbouncer/databases.ts'
import type { Address } from '../config.ts'

/** Names of the databases to pause, in the order in which PgBouncer lists them. */
export function targetsAmong(
  databases: readonly PooledDatabase[],
  named: readonly string[] | undefined,
  addresses: readonly Address[],
): readonly string[] {
  const leadsHere = ({ host, port }: PooledDatabase): boolean =>
    (host ?? '').split(',').some((one) => addresses.some((address) => address.host === one && address.port === port))
  return databases
    .filter((database) => (named === undefined ? leadsHere(database) : named.includes(database.name)))
    .map(({ name }) => name)
}
