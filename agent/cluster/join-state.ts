// Where this node stands with its coordinator, as last judged; what is new is said once, not once a round.
import type { ClusterNode } from '../../probes/citus/nodes.ts'
import type { Join } from '../../probes/verdicts/verdict.ts'
import type { EventName, Report } from '../events.ts'
import type { Finding } from './findings.ts'

type JoinEvent = Extract<EventName, `join.${string}`>

export class JoinState {
  readonly #report: Report
  #join: Join
  #finding: Finding | undefined
  #said = ''

  constructor(standalone: boolean, report: Report) {
    this.#report = report
    const reason = standalone ? '' : 'the coordinator has not been asked yet'
    this.#join = {
      finding: standalone ? 'off' : 'pending',
      verifiedAt: undefined,
      metadataSynced: undefined,
      reason,
      action: '',
    }
  }

  get join(): Join {
    return this.#join
  }

  /** Why this node has not joined; undefined when it has, or when nobody could say. */
  get finding(): Finding | undefined {
    return this.#finding
  }

  /** Another server start, another notebook: what was verified before is what the notebook says. */
  remember(verifiedAt: number | undefined): void {
    this.#join = { ...this.#join, verifiedAt }
  }

  /** The coordinator has this node as it should be. */
  verified(node: ClusterNode | undefined, at: number, role: string): void {
    this.#finding = undefined
    this.#join = {
      finding: 'verified',
      verifiedAt: at,
      metadataSynced: role === 'worker' ? node?.metadataSynced : undefined,
      reason: node === undefined ? 'a standby that does not register' : `node ${node.nodeId} of group ${node.groupId}`,
      action: '',
    }
    this.#say('join.verified', { nodeId: node?.nodeId, group: node?.groupId })
  }

  /** It does not join, now or until a person speaks. */
  stopped(found: Finding): void {
    if (found.kind === 'blind') return this.blind(found)
    const refused = found.kind === 'refuse'
    this.#set(refused ? 'refused' : 'pending', found)
    const { code, reason, action } = found
    this.#say(refused ? 'join.refused' : 'join.waiting', { code, reason, action })
  }

  /** Something is being done about it; the operation reports itself. */
  acting(found: Finding): void {
    this.#set('pending', found)
  }

  /** Nobody can confirm this node now; what was verified before stays. */
  blind(found: Finding): void {
    const { code, reason, action } = found
    this.#finding = undefined
    this.#join = { ...this.#join, finding: 'blind', reason: `the coordinator cannot be asked (${reason})`, action }
    this.#say('join.blind', { code, reason, action })
  }

  #set(state: 'refused' | 'pending', found: Finding): void {
    this.#finding = found
    this.#join = { ...this.#join, finding: state, reason: found.reason, action: found.action }
  }

  #say(name: JoinEvent, details: Readonly<Record<string, unknown>>): void {
    const key = `${name} ${'code' in details ? String(details['code']) : ''}`
    if (key === this.#said) return
    this.#said = key
    this.#report(name, details)
  }
}
