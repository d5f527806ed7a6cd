// Before clients are let go: does the coordinator reach a worker that is back under its name, or does that still lead where the pod was.
import type { Sql } from '../../probes/sql.ts'
import { identityAt } from '../cluster/ledger.ts'
import type { IdentityThere } from '../cluster/ledger.ts'
import type { Address, Config } from '../config.ts'
import { reasonOf, sqlstate } from '../errors.ts'

/** Longer than this clients do not wait for a name, milliseconds: what answers here may be wrong for ever, as a password between nodes. */
export const namePatience = 10_000

/** Why clients of this node would not reach it yet; undefined where they would, or where only poolers lead to it. @throws where the ledger does not answer. */
export async function stillUnknown(
  ledger: Sql,
  { role, address }: Pick<Config, 'role' | 'address'>,
  systemIdentifier: string | null,
): Promise<string | undefined> {
  if (role !== 'worker' || systemIdentifier === null) return undefined
  const { error, systemIdentifier: there } = await answerAt(ledger, address)
  if (there === systemIdentifier) return undefined
  return `the coordinator does not reach ${address.host}:${address.port} yet: ${error ?? `another server answers there (${there ?? '?'})`}`
}

/** A ledger that refuses the question knows nothing that clients should wait for. */
async function answerAt(ledger: Sql, { host, port }: Address): Promise<IdentityThere> {
  try {
    return await identityAt(ledger, host, port)
  } catch (error) {
    if (sqlstate(error) === undefined) throw error
    return { error: reasonOf(error) }
  }
}
