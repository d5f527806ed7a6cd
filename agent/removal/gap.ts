// A StatefulSet gives up its highest ordinal first: whether the removal of a node would leave a gap in one.
import type { Member } from '../cluster/ledger.ts'
import { isLost } from '../cluster/silence.ts'
import type { RemovalNode } from './survey.ts'

function split(name: string): { readonly set: string; readonly ordinal: number } | undefined {
  const match = /^(.+)-(\d{1,9})$/.exec(name)
  return match?.[1] === undefined ? undefined : { set: match[1], ordinal: Number(match[2]) }
}

/** Members of the same StatefulSet with a higher ordinal that still belong to the cluster; `now` by the ledger's clock, milliseconds since 1970. */
export function aboveInSet(
  member: Member,
  members: readonly Member[],
  nodes: readonly RemovalNode[],
  now: number,
): readonly string[] {
  const own = split(member.name)
  if (own === undefined) return []
  return members.flatMap((other) => {
    const its = split(other.name)
    if (its === undefined || its.set !== own.set || its.ordinal <= own.ordinal) return []
    // A set of one group is a primary with its standbys: they go together.
    if (other.groupId !== null && other.groupId === member.groupId) return []
    const registered = nodes.some(({ host, port }) => host === other.host && port === other.port)
    // One that was registered once and no longer is was removed: its pod is what will be given up.
    const joins = other.nodeId === null && !isLost(other, now)
    return registered || joins ? [other.name] : []
  })
}
