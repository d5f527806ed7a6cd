// What a member's silence means, measured in the heartbeats it promised; the ledger's functions count the same way.
import type { Member } from './ledger.ts'

/** What a sidecar that announces no interval is taken to have: the setting's default, seconds. */
export const usualHeartbeat = 30
/** A member that missed two heartbeats and a little is lost, never sooner than `lostFloor` seconds: writing one may take its time. */
export const lostIntervals = 2.5
export const lostFloor = 10
/** An address is given up after so many heartbeats, and never sooner than `addressKept` seconds. */
export const addressIntervals = 4
export const addressKept = 120

type Beating = Pick<Member, 'lastSeen' | 'heartbeatSeconds'>

function interval({ heartbeatSeconds }: Beating): number {
  return (heartbeatSeconds ?? usualHeartbeat) * 1_000
}

/** Whether a member has been silent for too long to count on it; `now` in milliseconds since 1970. */
export function isLost(member: Beating, now: number): boolean {
  return now - member.lastSeen > Math.max(lostFloor * 1_000, lostIntervals * interval(member))
}

/** Whether a member has been silent for so long that its address is free for another (a renamed node). */
export function gaveUpAddress(member: Beating, now: number): boolean {
  return now - member.lastSeen > Math.max(addressKept * 1_000, addressIntervals * interval(member))
}
