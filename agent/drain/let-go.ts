// The end of a hold for a node that is back: clients are let go once the coordinator reaches it under its name, which may still lead
// where the pod was.
import type { Sql } from '../../probes/sql.ts'
import { identityAt } from '../cluster/ledger.ts'
import type { IdentityThere } from '../cluster/ledger.ts'
import type { Address, Config } from '../config.ts'
import { reasonOf, sqlstate } from '../errors.ts'
import type { Report } from '../events.ts'
import { releaseHold } from '../hold/hold-ledger.ts'

/** Longer than this clients do not wait for a name, milliseconds: what answers here may be wrong for ever, as a password between nodes. */
const patience = 10_000

export interface LetGoOptions {
  readonly ledger: Sql
  readonly config: Pick<Config, 'role' | 'address'>
  readonly report: Report
}

/** A hold of this node, what it is known by, and for how long it has been back, milliseconds. */
export interface HeldFor {
  readonly operation: string
  readonly systemIdentifier: string | null
  readonly backFor: number
}

/** Resolves with false where clients are to wait on, since they would not reach this node yet. @throws where the ledger does not answer. */
export async function letGo(
  { ledger, config, report }: LetGoOptions,
  { operation, systemIdentifier, backFor }: HeldFor,
): Promise<boolean> {
  const reason = await unreached(ledger, config, systemIdentifier)
  if (reason !== undefined && backFor < patience) return false
  if (reason !== undefined) report('drain.unreached', { operation, reason })
  await releaseHold(ledger, operation, 'the node is back')
  return true
}

/** Why clients of this node would not reach it yet; undefined where they would, or where only poolers lead to it. */
async function unreached(
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
