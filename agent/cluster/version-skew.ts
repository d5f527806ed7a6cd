// Which other members run another Citus: a warning, because a rolling upgrade must pass.
import type { Member } from './ledger.ts'

/** `name version` of each member whose Citus differs from ours; empty while ours is unknown. */
export function otherVersions(members: readonly Member[], self: string, own: string | undefined): readonly string[] {
  if (own === undefined) return []
  return members.flatMap((member) =>
    member.name !== self && member.citusVersion !== null && member.citusVersion !== own
      ? [`${member.name} ${member.citusVersion}`]
      : [],
  )
}
