// What is forgotten when a person says that what is refused is right: what notebook and ledger hold against this node.
import type { Sql } from '../../probes/sql.ts'
import type { FindingCode } from './findings.ts'
import { acceptMember, takeOver } from './ledger.ts'
import { forgetVerification } from './notebook.ts'

/** The node for which a person spoke. */
export interface Accepted {
  readonly code: FindingCode
  readonly member: string
  /** Of the volume that is here; undefined on a standby, whose identity is its primary's. */
  readonly identity: { readonly systemIdentifier: string; readonly timeline: number } | undefined
}

/** Findings about another member that may be this node's old name. */
const ofOldNames: ReadonlySet<FindingCode> = new Set(['volume-cloned', 'address-taken'])

/** Forgets it. @throws as the queries do, and CONTROL_REFUSED when another member with this identity is alive. */
export async function forgetRefused({ code, member, identity }: Accepted, local: Sql, ledger: Sql): Promise<void> {
  if (identity !== undefined) {
    if (ofOldNames.has(code)) await takeOver(ledger, member, identity)
    // A standby can write no notebook: it has its primary's.
    await forgetVerification(local)
  }
  await acceptMember(ledger, member)
}
